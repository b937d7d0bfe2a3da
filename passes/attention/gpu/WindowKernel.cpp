#include "passes/attention/gpu/WindowKernel.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

using namespace mlir;

namespace drawloom::attention {

static constexpr int64_t kTileAlignment = 1024, kWarpsInGroup = 4;

WindowKernel::WindowKernel(const TileKernel &k, const WindowSpec &spec, MapList &maps)
    : k(k), spec(spec), cut(spec.cut), g(k), math(g, spec.shape.scale), view(k, spec.view, spec.shape.n),
      querySide(view, false, kTile), keySide(view, true, kTile, Boxes::All),
      queries(g, querySide, kQ, spec.shape.dQk, maps), outGradients(g, querySide, kDOut, spec.shape.dV, maps),
      keys(g, keySide, kK, spec.shape.dQk, maps), values(g, keySide, kV, spec.shape.dV, maps),
      queryGradients(g, querySide, kFirstGradient, spec.shape.dQk, maps),
      keyGradients(g, keySide, kFirstGradient + 1, spec.shape.dQk, maps),
      valueGradients(g, keySide, kFirstGradient + 2, spec.shape.dV, maps),
      element(queries.type.getElementType()), barrier([this] { groupBarrier(); }),
      queriesAt(layout.take(cut.queryStages * queries.bytes(), kTileAlignment)),
      outGradientsAt(layout.take(cut.queryStages * outGradients.bytes(), kTileAlignment)),
      keysAt(layout.take(cut.keyStages() * keys.bytes(), kTileAlignment)),
      valuesAt(layout.take(cut.valueStages * values.bytes(), kTileAlignment)),
      scoreGradientsAt(layout.take(cut.allScoreSlots() * kTile * kTile * 2, kTileAlignment)),
      statisticsBase(layout.take(cut.queryStages * 2 * kTile * 4, 16)), queryRing(layout, cut.queryStages),
      keyRing(layout, cut.keyStages()), valueRing(layout, cut.valueStages), written(layout.take(8, 8)),
      read(layout.take(8, 8)) {}

void WindowKernel::build() const {
  setUp();
  Segment s = segment();
  g.when(
      g.equal(g.group, cut.groups),
      [&] {
        dgpu::SetMaxRegistersOp::create(g.b, g.loc, WindowCut::kProducerRegisters, false);
        g.when(g.equal(g.warp(), cut.groups * kWarpsInGroup), [&] { produce(s); });
      },
      [&] {
        dgpu::SetMaxRegistersOp::create(g.b, g.loc, cut.consumerRegisters(), true);
        consume(s);
      });
}

/// A query tile is full when its copies and each producer's statistics are there; it and a key tile are free
/// when all warps of all groups say so, a value tile when its group does.
void WindowKernel::setUp() const {
  int64_t warps = cut.groups * kWarpsInGroup;
  g.when(g.equal(g.thread, 0), [&] {
    queryRing.init(g, 1 + kWarpThreads, warps);
    keyRing.init(g, 1, warps);
    valueRing.init(g, 1, 1);
    for (int64_t at : {written, read}) dgpu::MBarrierInitOp::create(g.b, g.loc, g.i32(at), g.i32(warps));
    dgpu::MBarrierFenceOp::create(g.b, g.loc);
  });
  gpu::BarrierOp::create(g.b, g.loc);
}

/// Neighbouring blocks have neighbouring heads, which lie side by side in memory.
WindowKernel::Segment WindowKernel::segment() const {
  int64_t heads = spec.view.getHeads().size();
  Value item = k.kernel.begin(), zero = k.index(0);
  auto at = [&](int64_t stride, int64_t extent) {
    return extent == 1 ? zero : k.apply(k.dim(0).floorDiv(stride) % extent, item);
  };
  Segment s;
  s.head = k.headAt(spec.view.getHeads(), at(1, heads)),
  s.batch = at(heads * spec.segments, spec.shape.batch);
  int64_t tiles = spec.steps * cut.groups, leading = cut.leadingSteps() * cut.groups;
  s.first = g.toI32(k.apply(k.dim(0) * tiles - leading, at(heads, spec.segments)));
  s.queries = querySide.extent(s.head, zero), s.keys = keySide.extent(s.head, zero);
  return s;
}

TilePlace WindowKernel::placeOf(const Segment &s, Value local, bool isKeys) const {
  return {s.batch, s.head, k.index(0), g.toIndex(g.mul(g.add(s.first, local), kTile)),
          isKeys ? s.keys : s.queries};
}

Value WindowKernel::isOwn(Value local) const {
  return g.compare(arith::CmpIPredicate::sge, local, g.i32(cut.leadingSteps() * cut.groups));
}

Value WindowKernel::slotOf(int64_t offset, const ActivationTiles &tiles, const Ring::Slot &slot) const {
  return g.add(g.mul(slot.number, tiles.bytes()), offset);
}

Value WindowKernel::statisticsAt(const Ring::Slot &slot, int64_t which) const {
  return g.add(g.mul(slot.number, 2 * kTile * 4), statisticsBase + which * kTile * 4);
}

TypedValue<dgpu::TileType> WindowKernel::scoreGradientTile(Value offset) const {
  return g.tile(g.tileType(kTile, kTile, element), offset);
}

Value WindowKernel::scoreGradientAt(Value local, Value distance) const {
  // WindowCut::firstScoreSlot, in closed form: sums of max(d, groups) below `distance`.
  int64_t n = cut.groups;
  Value squares = arith::MulIOp::create(g.b, g.loc, distance, g.add(distance, -1));
  Value far = g.add(g.div(squares, 2), n * n - n * (n - 1) / 2);
  Value first = g.select(g.less(distance, g.i32(n)), g.mul(distance, n), far);
  Value number = arith::RemUIOp::create(g.b, g.loc, local, g.max(distance, g.i32(n)));
  return g.add(g.mul(g.add(first, number), kTile * kTile * 2), scoreGradientsAt);
}

//===-- producers --------------------------------------------------------------------------------===//

/// One warp brings tiles in the order in which they are needed, and query statistics a tile ahead.
void WindowKernel::produce(const Segment &s) const {
  Value zero = g.i32(0), uses = g.i32((spec.steps + cut.leadingSteps()) * cut.queryTiles());
  auto isFirst = g.equal(g.lane(), 0);
  g.loop(zero, uses, 1, fetchStatistics(s, zero), [&](Value use, ValueRange statistics) {
    Value turn = g.rem(use, cut.queryTiles()),
          local = g.add(g.mul(g.div(use, cut.queryTiles()), cut.groups), turn);
    g.when(g.both(isFirst, g.less(turn, g.i32(cut.groups))), [&] { bringKeys(s, local); });
    Ring::Slot slot = queryRing.slot(g, use);
    queryRing.waitEmpty(g, slot);
    Value full = queryRing.fullBarrier(g, slot);
    g.when(isFirst, [&] {
      TilePlace place = placeOf(s, local, false);
      dgpu::MBarrierArriveOp::create(g.b, g.loc, full, g.i32(queries.bulkBytes() + outGradients.bulkBytes()));
      queries.loadBulk(place, slotOf(queriesAt, queries, slot), full);
      outGradients.loadBulk(place, slotOf(outGradientsAt, outGradients, slot), full);
    });
    for (int64_t i = 0; i < 4; ++i) {
      Value array = g.array(kTile, g.b.getF32Type(), statisticsAt(slot, i % 2));
      memref::StoreOp::create(g.b, g.loc, statistics[i], array,
                              g.toIndex(g.add(g.lane(), i / 2 * kWarpThreads)));
    }
    dgpu::MBarrierArriveOp::create(g.b, g.loc, full, Value());
    return fetchStatistics(s, g.add(use, 1));
  });
}

void WindowKernel::bringKeys(const Segment &s, Value local) const {
  TilePlace place = placeOf(s, local, true);
  auto bring = [&](const Ring &ring, const ActivationTiles &tiles, int64_t offset) {
    Ring::Slot slot = ring.slot(g, local);
    ring.waitEmpty(g, slot);
    Value full = ring.fullBarrier(g, slot);
    dgpu::MBarrierArriveOp::create(g.b, g.loc, full, g.i32(tiles.bulkBytes()));
    tiles.loadBulk(place, slotOf(offset, tiles, slot), full);
  };
  bring(keyRing, keys, keysAt);
  bring(valueRing, values, valuesAt);
}

/// -lse log2 e and delta of the lane's two rows of a tile. Rows that do not exist take another one's: nobody
/// meets them.
SmallVector<Value> WindowKernel::fetchStatistics(const Segment &s, Value use) const {
  Value turn = g.rem(use, cut.queryTiles()),
        local = g.add(g.mul(g.div(use, cut.queryTiles()), cut.groups), turn);
  TilePlace place = placeOf(s, local, false);
  SmallVector<Value> list;
  for (int64_t half : {0, 1}) {
    Value x = arith::AddIOp::create(g.b, g.loc, place.first, g.toIndex(g.add(g.lane(), half * kWarpThreads)));
    x = k.max(k.min(x, k.apply(k.dim(0) - 1, place.extent)), k.index(0));
    list.append(math.statisticsAt(s.batch, s.head, k.apply(querySide.position(), {s.head, place.slice, x})));
  }
  return list;
}

} // namespace drawloom::attention
