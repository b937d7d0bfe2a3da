#include "passes/attention/gpu/SliceKernel.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

using namespace mlir;

namespace drawloom::attention {
namespace {

constexpr int64_t kTileAlignment = 1024, kPart = kGroupRows;
constexpr int64_t kSharedBytes = 113 * 1024; ///< half of a multiprocessor's: two blocks at least
constexpr int64_t kRegisters = 232, kOverhead = 40;

} // namespace

/// Of a thread: dK, dV, S, dP, and P or dS packed.
static int64_t registersFor(const Shape &shape) {
  return (shape.dQk + shape.dV) / 2 + kPart + kPart / 4 + kOverhead;
}

bool SliceKernel::fits(const Shape &shape, int64_t queryParts, int64_t keyParts) {
  int64_t channels = (shape.dQk + shape.dV) * 2;
  int64_t shared = (queryParts + keyParts) * kPart * channels + queryParts * keyParts * kPart * kPart * 2 +
                   kPart * std::max(shape.dQk, shape.dV) * 2 + queryParts * kPart * 8 + kTileAlignment;
  return queryParts <= 2 && keyParts <= 2 && shared <= kSharedBytes && registersFor(shape) <= kRegisters;
}

int64_t SliceKernel::blocks() const {
  constexpr int64_t kAllShared = 228 * 1024, kSharedOfBlock = 1024, kAllRegisters = 64 * 1024;
  return std::min(kAllShared / (sharedBytes() + kSharedOfBlock),
                  kAllRegisters / (kThreads * registersFor(spec.shape)));
}

SliceKernel::SliceKernel(const TileKernel &k, const SliceSpec &spec, MapList &maps)
    : k(k), spec(spec), g(k), math(g, spec.shape.scale), view(k, spec.view, spec.shape.n),
      querySide(view, false, spec.queryParts * kPart), keySide(view, true, spec.keyParts * kPart),
      queries(g, querySide, kQ, spec.shape.dQk, maps), outGradients(g, querySide, kDOut, spec.shape.dV, maps),
      keys(g, keySide, kK, spec.shape.dQk, maps), values(g, keySide, kV, spec.shape.dV, maps),
      element(queries.type.getElementType()), barrier([this] { gpu::BarrierOp::create(g.b, g.loc); }),
      queriesAt(layout.take(queries.bytes(), kTileAlignment)),
      outGradientsAt(layout.take(outGradients.bytes(), kTileAlignment)),
      keysAt(layout.take(keys.bytes(), kTileAlignment)),
      valuesAt(layout.take(values.bytes(), kTileAlignment)),
      scoreGradientsAt(layout.take(spec.queryParts * spec.keyParts * kPart * kPart * 2, kTileAlignment)),
      stageAt(layout.take(kPart * std::max(spec.shape.dQk, spec.shape.dV) * 2, kTileAlignment)),
      statisticsAt(layout.take(2 * querySide.tile * 4, 16)), arrivedAt(layout.take(8, 8)) {}

void SliceKernel::build() const {
  setUp();
  // Neighbouring blocks have neighbouring heads, which lie side by side in memory.
  int64_t extents[] = {spec.shape.batch, spec.slices, int64_t(spec.view.getHeads().size())};
  Value zero = g.i32(0);
  g.loop(k.kernel.begin(), k.kernel.end(), 1, {zero}, [&](Value item, ValueRange carried) {
    auto at = [&](int d, int64_t stride) {
      return extents[d] == 1 ? k.index(0) : k.apply(k.dim(0).floorDiv(stride) % extents[d], item);
    };
    Value batch = at(0, extents[1] * extents[2]), number = at(1, extents[2]),
          head = k.headAt(spec.view.getHeads(), at(2, 1));
    Slice slice{{batch, head, number, k.index(0), querySide.extent(head, number)},
                {batch, head, number, k.index(0), keySide.extent(head, number)}};
    auto body = [&] {
      bring(slice, carried[0]);
      work(slice);
      return SmallVector<Value>{g.add(carried[0], 1)};
    };
    if (view.view.slices.isConstant()) return body();
    return g.choose(k.less(number, k.apply(view.view.slices, head)), TypeRange(zero.getType()), body,
                    [&] { return SmallVector<Value>(carried); });
  });
}

void SliceKernel::setUp() const {
  g.when(g.equal(g.thread, 0), [&] {
    dgpu::MBarrierInitOp::create(g.b, g.loc, g.i32(arrivedAt), g.i32(1));
    dgpu::MBarrierFenceOp::create(g.b, g.loc);
  });
  if (querySide.leavesRows() || keySide.leavesRows()) {
    constexpr int64_t kLanes = 4;
    int64_t bytes = valuesAt + values.bytes() - queriesAt;
    Value array = g.array(bytes / 4, g.b.getF32Type(), g.i32(queriesAt)),
          zero = g.splat(g.vector({kLanes}, g.b.getF32Type()), 0.0);
    g.loop(g.thread, g.i32(bytes / (4 * kLanes)), kThreads, {}, [&](Value i, ValueRange) {
      g.store(zero, array, {g.toIndex(g.mul(i, kLanes))}, 16);
      return SmallVector<Value>();
    });
    dgpu::FenceAsyncSharedOp::create(g.b, g.loc);
  }
  barrier();
}

/// Everything of the slice to shared memory, where it has arrived for all threads when this is over.
void SliceKernel::bring(const Slice &slice, Value count) const {
  struct Part {
    const ActivationTiles &tiles;
    const TilePlace &place;
    int64_t offset;
  };
  const Part parts[] = {{queries, slice.queries, queriesAt},
                        {keys, slice.keys, keysAt},
                        {outGradients, slice.queries, outGradientsAt},
                        {values, slice.keys, valuesAt}};
  int64_t bulkBytes = 0;
  bool gathers = false;
  for (const Part &p : parts) p.tiles.isBulk() ? bulkBytes += p.tiles.bulkBytes() : gathers = true;
  if (bulkBytes)
    g.when(g.equal(g.thread, 0), [&] {
      Value arrived = g.i32(arrivedAt);
      dgpu::MBarrierArriveOp::create(g.b, g.loc, arrived, g.i32(bulkBytes));
      for (const Part &p : parts)
        if (p.tiles.isBulk()) p.tiles.loadBulk(p.place, g.i32(p.offset), arrived);
    });
  for (const Part &p : parts)
    if (!p.tiles.isBulk()) p.tiles.gather(p.place, g.i32(p.offset));
  loadStatistics(slice.queries);
  if (gathers) {
    dgpu::CopyAsyncCommitOp::create(g.b, g.loc);
    dgpu::CopyAsyncWaitOp::create(g.b, g.loc, 0);
    dgpu::FenceAsyncSharedOp::create(g.b, g.loc);
  }
  barrier();
  if (bulkBytes) dgpu::MBarrierWaitOp::create(g.b, g.loc, g.i32(arrivedAt), g.rem(count, 2));
}

/// A thread a query; 0 where there is none.
void SliceKernel::loadStatistics(const TilePlace &place) const {
  Type f32 = g.b.getF32Type();
  int64_t bytes = querySide.tile * 4;
  g.when(g.less(g.thread, g.i32(querySide.tile)), [&] {
    Value x = g.toIndex(g.thread), zero = arith::ConstantOp::create(g.b, g.loc, g.b.getF32FloatAttr(0));
    auto pair = g.choose(
        k.less(x, place.extent), {f32, f32},
        [&] {
          return math.statisticsAt(place.batch, place.head,
                                   k.apply(querySide.position(), {place.head, place.slice, x}));
        },
        [&] { return SmallVector<Value>{zero, zero}; });
    for (int64_t which : {0, 1})
      memref::StoreOp::create(g.b, g.loc, pair[which],
                              g.array(querySide.tile, f32, g.i32(statisticsAt + which * bytes)), x);
  });
}

TypedValue<dgpu::TileType> SliceKernel::scoreGradientTile(int64_t queryPart) const {
  auto type = g.tileType(keySide.tile, kPart, element);
  return g.tile(type, g.i32(scoreGradientsAt + queryPart * type.bytes()));
}

void SliceKernel::work(const Slice &slice) const {
  for (int64_t part = 0; part < spec.keyParts; ++part) meetKeys(slice, part);
  dgpu::FenceAsyncSharedOp::create(g.b, g.loc); // dS^T is read by products
  barrier();
  for (int64_t part = 0; part < spec.queryParts; ++part) finishQueries(slice, part);
  // The next slice's copies overwrite what threads here wrote and read.
  dgpu::FenceAsyncSharedOp::create(g.b, g.loc);
  barrier();
}

/// dK and dV of 64 keys, and dS^T for later.
void SliceKernel::meetKeys(const Slice &slice, int64_t part) const {
  Value row = g.i32(part * kPart);
  RowBounds bounds = math.boundsOf(keySide, slice.keys, slice.queries.extent, row);
  auto rows = [&](const ActivationTiles &tiles, int64_t offset, int64_t number) {
    return g.groupRows(g.tile(tiles.type, g.i32(offset)), g.i32(number * kPart));
  };
  auto keyPart = rows(keys, keysAt, part), valuePart = rows(values, valuesAt, part);
  Target keyTarget = targetOf(keySide, slice.keys, part, kFirstGradient + 1, spec.shape.dQk);
  Target valueTarget = targetOf(keySide, slice.keys, part, kFirstGradient + 2, spec.shape.dV);
  Value dKeys = g.splat(g.accumulator(spec.shape.dQk), 0), dValues = g.splat(g.accumulator(spec.shape.dV), 0);
  for (int64_t q = 0; q < spec.queryParts; ++q) {
    Value at = g.i32(q * kPart);
    auto queryPart = rows(queries, queriesAt, q), outPart = rows(outGradients, outGradientsAt, q);
    auto target = g.groupRows(scoreGradientTile(q), row);
    auto accumulate = [&](Value left, TypedValue<dgpu::TileType> right, Value sum) {
      return dgpu::WgmmaOp::create(g.b, g.loc, sum.getType(), left, right, sum, false, false).getResult();
    };
    auto meet = [&] {
      Value scores = math.scoreProduct(keyPart, queryPart),
            dProbabilities = math.scoreProduct(valuePart, outPart);
      int64_t statistics = statisticsAt + q * kPart * 4;
      QueryStatistics columns =
          math.columnStatistics(g.i32(statistics), g.i32(statistics + querySide.tile * 4), kPart);
      scores = math.wait(scores, 1)[0];
      Value p = math.probabilities(scores, columns, bounds, at);
      Value nextValues = accumulate(math.packed(p, element), outPart, dValues);
      dProbabilities = math.wait(dProbabilities, 1)[0];
      Value ds = math.packed(math.scoreGradients(p, dProbabilities, columns), element);
      Value nextKeys = accumulate(ds, queryPart, dKeys);
      dgpu::StoreFragmentOp::create(g.b, g.loc, ds, target);
      return math.wait({nextKeys, nextValues}, 0);
    };
    auto skip = [&] {
      auto type = g.vector({kPart / 8, 2, 2}, element);
      Value zero =
          arith::ConstantOp::create(g.b, g.loc, DenseElementsAttr::get(type, g.b.getFloatAttr(element, 0)));
      dgpu::StoreFragmentOp::create(g.b, g.loc, zero, target);
      return SmallVector<Value>{dKeys, dValues};
    };
    auto next = g.choose(math.isMet(bounds, at, kPart), {dKeys.getType(), dValues.getType()}, meet, skip);
    dKeys = next[0], dValues = next[1];
  }
  finish(keyTarget, dKeys, spec.shape.scale);
  finish(valueTarget, dValues, 1.0);
}

/// dQ of 64 queries.
void SliceKernel::finishQueries(const Slice &slice, int64_t part) const {
  Target target = targetOf(querySide, slice.queries, part, kFirstGradient, spec.shape.dQk);
  Value gradient = dgpu::WgmmaOp::create(g.b, g.loc, g.accumulator(spec.shape.dQk), scoreGradientTile(part),
                                         g.tile(keys.type, g.i32(keysAt)), Value(),
                                         /*transpose_a=*/true, /*transpose_b=*/false);
  gradient = math.wait(gradient, 0)[0];
  finish(target, gradient, spec.shape.scale);
}

SliceKernel::Target SliceKernel::targetOf(const SideTiles &side, const TilePlace &place, int64_t part,
                                          unsigned argument, int64_t channels) const {
  TilePlace moved = place;
  moved.first = k.index(part * kPart);
  GradientStore store{
      g, {g, side, k.kernel.memref(argument), g.tileType(kPart, channels, element)}, spec.continues, barrier};
  return {store, moved, store.fetch(moved, g.i32(0))};
}

void SliceKernel::finish(const Target &target, Value gradient, double factor) const {
  target.store.store(gradient, factor, target.before, target.place, g.i32(0), g.i32(stageAt));
}

} // namespace drawloom::attention
