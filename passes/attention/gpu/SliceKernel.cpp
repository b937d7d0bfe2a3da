#include "passes/attention/gpu/SliceKernel.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

using namespace mlir;

namespace drawloom::attention {
namespace {

constexpr int64_t kTileAlignment = 1024, kPart = kGroupRows;

} // namespace

SliceKernel::SliceKernel(const TileKernel &k, const SliceSpec &spec, MapList &maps)
    : k(k), spec(spec), pairs(spec.cut.pairs), g(k), math(g, spec.shape.scale),
      view(k, spec.view, spec.shape.n), querySide(view, false, kPart), keySide(view, true, kPart),
      queries(g, querySide, kQ, spec.shape.dQk, maps), outGradients(g, querySide, kDOut, spec.shape.dV, maps),
      keys(g, keySide, kK, spec.shape.dQk, maps), values(g, keySide, kV, spec.shape.dV, maps),
      outs(sharesOuts() ? std::make_optional<ActivationTiles>(g, querySide, kDelta, spec.shape.dV, maps)
                        : std::nullopt),
      statistics(math, querySide, spec.delta, spec.shape.dV, kPart / kWarpsInGroup, bool(outs)),
      element(queries.type.getElementType()), barrier([this] { groupBarrier(); }),
      queriesAt(layout.take(pairs.queryParts() * queries.bytes(), kTileAlignment)),
      outGradientsAt(layout.take(pairs.queryParts() * outGradients.bytes(), kTileAlignment)),
      keysAt(layout.take(pairs.keyParts() * keys.bytes(), kTileAlignment)),
      valuesAt(layout.take(pairs.keyParts() * values.bytes(), kTileAlignment)),
      scoreGradientsAt(layout.take(pairs.count() * kPart * kPart * 2, kTileAlignment)),
      stageAt(layout.take(stageBytes(spec.shape, spec.cut.groups), kTileAlignment)),
      statisticsAt(layout.take(2 * pairs.queryParts() * kPart * 4, 16)),
      parts(std::max(pairs.queryParts(), pairs.keyParts())), arrivedAt(layout.take(8 * parts, 8)),
      readyAt(layout.take(8 * pairs.queryParts(), 8)), operands{{keys, true, keysAt},
                                                                {queries, false, queriesAt},
                                                                {values, true, valuesAt},
                                                                {outGradients, false, outGradientsAt}} {}

void SliceKernel::build() const {
  setUp();
  // Neighbouring blocks have neighbouring heads, which lie side by side in memory.
  int64_t extents[] = {spec.shape.batch, spec.slices, int64_t(spec.view.getHeads().size())};
  auto at = [&](int d, int64_t stride) {
    return extents[d] == 1 ? k.index(0) : k.apply(k.dim(0).floorDiv(stride) % extents[d], k.kernel.begin());
  };
  Value batch = at(0, extents[1] * extents[2]), number = at(1, extents[2]),
        head = k.headAt(spec.view.getHeads(), at(2, 1));
  Slice slice{{batch, head, number, k.index(0), querySide.extent(head, number)},
              {batch, head, number, k.index(0), keySide.extent(head, number)}};
  auto work = [&] {
    bring(slice);
    forEachKeyPart([&](const KeyPart &part) { meetKeys(slice, part); });
    dgpu::FenceAsyncSharedOp::create(g.b, g.loc); // dS^T is read by products
    gpu::BarrierOp::create(g.b, g.loc);
    SmallVector<SmallVector<int64_t>> shares = shareParts(pairs.keysOf, spec.cut.groups);
    for (size_t group = 0; group < shares.size(); ++group)
      byGroup(group, [&] {
        for (int64_t part : shares[group]) finishQueries(slice, part);
      });
  };
  if (view.view.slices.isConstant())
    work();
  else
    g.when(k.less(number, k.apply(view.view.slices, head)), work);
}

//===-- work --------------------------------------------------------------------------------------------===//

/// Entry `number` (i32) of a table of at most four numbers below 256.
Value SliceKernel::lookUp(ArrayRef<int64_t> table, Value number) const {
  int64_t packed = 0;
  for (auto [place, entry] : llvm::enumerate(table)) packed |= entry << (8 * place);
  Value shifted = arith::ShRUIOp::create(g.b, g.loc, g.i32(int32_t(packed)), g.mul(number, 8));
  return arith::AndIOp::create(g.b, g.loc, shifted, g.i32(255));
}

/// The key parts of the thread's warp group. Several groups share the code.
void SliceKernel::forEachKeyPart(llvm::function_ref<void(const KeyPart &)> body) const {
  SmallVector<SmallVector<int64_t>> shares = shareParts(pairs.queriesOf, spec.cut.groups);
  if (shares.size() == 1) {
    for (int64_t part : shares[0]) body({g.i32(part), {}, {}, pairs.queriesOf[part]});
    return;
  }
  SmallVector<int64_t> from, to, counts;
  for (PartRange range : pairs.queriesOf) from.push_back(range.from), to.push_back(range.to);
  for (ArrayRef<int64_t> share : shares) counts.push_back(share.size());
  g.loop(g.i32(0), lookUp(counts, g.group), 1, {}, [&](Value turn, ValueRange) {
    Value part = lookUp(shares[0], turn);
    for (size_t group = 1; group < shares.size(); ++group)
      part = g.select(g.equal(g.group, group), lookUp(shares[group], turn), part);
    body({part, lookUp(from, part), lookUp(to, part), std::nullopt});
    return SmallVector<Value>();
  });
}

SmallVector<Value>
SliceKernel::forEachQueryPart(const KeyPart &part, ValueRange inits,
                              llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) const {
  if (!part.range) return g.loop(part.from, part.to, 1, inits, body);
  SmallVector<Value> carried(inits);
  for (int64_t q = part.range->from; q < part.range->to; ++q) carried = body(g.i32(q), carried);
  return carried;
}

Value SliceKernel::scoreGradientsOf(Value queryPart, Value keyPart) const {
  SmallVector<int64_t> first;  // what part 0 would have
  constexpr int64_t kBias = 4; // keeps them from being negative
  for (int64_t q = 0; q < pairs.queryParts(); ++q)
    first.push_back(pairs.before(q) - pairs.keysOf[q].from + kBias);
  Value number = g.add(lookUp(first, queryPart), keyPart);
  constexpr int64_t kBytes = kPart * kPart * 2;
  return g.add(g.mul(number, kBytes), scoreGradientsAt - kBias * kBytes);
}

TypedValue<dgpu::TileType> SliceKernel::partOf(const ActivationTiles &tiles, int64_t offset,
                                               Value part) const {
  return g.tile(tiles.type, g.add(g.mul(part, tiles.bytes()), offset));
}

/// dK and dV of 64 keys, and dS^T for later.
void SliceKernel::meetKeys(const Slice &slice, const KeyPart &part) const {
  RowBounds bounds = math.boundsOf(keySide, slice.keys, slice.queries.extent, g.mul(part.number, kPart));
  auto keyPart = partOf(keys, keysAt, part.number), valuePart = partOf(values, valuesAt, part.number);
  Target valueTarget = targetOf(Gradient::Values, slice, part.number),
         keyTarget = targetOf(Gradient::Keys, slice, part.number);
  SmallVector<Value> zeros{g.splat(g.accumulator(spec.shape.dQk), 0),
                           g.splat(g.accumulator(spec.shape.dV), 0)};
  waitFor(part.number);
  auto sums = forEachQueryPart(part, zeros, [&](Value q, ValueRange carried) {
    Value at = g.mul(q, kPart);
    auto queryPart = partOf(queries, queriesAt, q), outPart = partOf(outGradients, outGradientsAt, q);
    auto target = g.tile(g.tileType(kPart, kPart, element), scoreGradientsOf(q, part.number));
    waitForQueries(q);
    auto accumulate = [&](Value left, TypedValue<dgpu::TileType> right, Value sum) {
      return dgpu::WgmmaOp::create(g.b, g.loc, sum.getType(), left, right, sum, false, false).getResult();
    };
    auto meet = [&] {
      Value scores = math.scoreProduct(keyPart, queryPart),
            dProbabilities = math.scoreProduct(valuePart, outPart);
      Value row = g.mul(at, 4);
      QueryStatistics columns = math.columnStatistics(g.add(row, lseAt(0)), g.add(row, deltaAt(0)), kPart);
      scores = math.wait(scores, 1)[0];
      Value p = math.probabilities(scores, columns, bounds, at);
      Value nextValues = accumulate(math.packed(p, element), outPart, carried[1]);
      dProbabilities = math.wait(dProbabilities, 1)[0];
      Value ds = math.packed(math.scoreGradients(p, dProbabilities, columns), element);
      Value nextKeys = accumulate(ds, queryPart, carried[0]);
      dgpu::StoreFragmentOp::create(g.b, g.loc, ds, target);
      return math.wait({nextKeys, nextValues}, 0);
    };
    auto skip = [&] {
      auto type = g.vector({kPart / 8, 2, 2}, element);
      Value zero =
          arith::ConstantOp::create(g.b, g.loc, DenseElementsAttr::get(type, g.b.getFloatAttr(element, 0)));
      dgpu::StoreFragmentOp::create(g.b, g.loc, zero, target);
      return SmallVector<Value>(carried);
    };
    return g.choose(math.isMet(bounds, at, kPart), TypeRange(ValueRange(zeros)), meet, skip);
  });
  finish(valueTarget, sums[1]);
  finish(keyTarget, sums[0]);
}

/// dQ of 64 queries.
void SliceKernel::finishQueries(const Slice &slice, int64_t part) const {
  Target target = targetOf(Gradient::Queries, slice, g.i32(part));
  waitFor(g.i32(part)); // no key part may have done so
  Value gradient;
  for (int64_t other = pairs.keysOf[part].from; other < pairs.keysOf[part].to; ++other) {
    auto scores = g.tile(g.tileType(kPart, kPart, element), scoreGradientsOf(g.i32(part), g.i32(other)));
    gradient = dgpu::WgmmaOp::create(g.b, g.loc, g.accumulator(spec.shape.dQk), scores,
                                     partOf(keys, keysAt, g.i32(other)), gradient,
                                     /*transpose_a=*/true, /*transpose_b=*/false);
  }
  gradient = gradient ? math.wait(gradient, 0)[0] : g.splat(g.accumulator(spec.shape.dQk), 0);
  finish(target, gradient);
}

//===-- results -----------------------------------------------------------------------------------------===//

void SliceKernel::byGroup(int64_t group, llvm::function_ref<void()> body) const {
  if (spec.cut.groups == 1) return body();
  g.when(g.equal(g.group, group), body);
}

/// A barrier of the thread's warp group; each group has its own.
void SliceKernel::groupBarrier() const {
  for (int64_t group = 0; group < spec.cut.groups; ++group)
    byGroup(group, [&] { dgpu::NamedBarrierOp::create(g.b, g.loc, group + 1, kGroupThreads, false); });
}

/// Gradients leave through shared memory: dQ and dV through the places of Q and V that nobody needs any more,
/// and so does dK, after dV, where it fits.
SliceKernel::Target SliceKernel::targetOf(Gradient which, const Slice &slice, Value part) const {
  bool isQuery = which == Gradient::Queries;
  const ActivationTiles &tiles = isQuery ? queries : which == Gradient::Keys ? keys : values;
  TilePlace place = isQuery ? slice.queries : slice.keys;
  place.first = g.toIndex(g.mul(part, kPart));
  Value offset =
      isQuery ? g.add(g.mul(part, queries.bytes()), queriesAt) : g.add(g.mul(part, values.bytes()), valuesAt);
  if (int64_t bytes = stageBytes(spec.shape, 1); bytes && which == Gradient::Keys)
    offset = spec.cut.groups == 1 ? g.i32(stageAt) : g.add(g.mul(g.group, bytes), stageAt);
  const SideTiles &side = isQuery ? querySide : keySide;
  unsigned argument = kFirstGradient + unsigned(which);
  GradientStore store{g, {g, side, k.kernel.memref(argument), tiles.type}, spec.continues, barrier};
  return {store, place, offset, which != Gradient::Values, store.fetch(place, g.i32(0))};
}

void SliceKernel::finish(const Target &target, Value gradient) const {
  double factor = target.isScaled ? spec.shape.scale : 1.0;
  target.store.store(gradient, factor, target.before, target.place, g.i32(0), target.offset);
}

} // namespace drawloom::attention
