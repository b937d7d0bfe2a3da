#include "passes/attention/gpu/TileStream.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

using namespace mlir;

namespace drawloom::attention {
namespace {

constexpr int64_t kTileAlignment = 1024, kWarpsInGroup = 4;

unsigned firstOperand(Owner owner) { return ownsKeys(owner) ? kK : kQ; }
unsigned valueOperand(Owner owner) { return ownsKeys(owner) ? kV : kDOut; }

} // namespace

TileStream::TileStream(const TileKernel &k, const GpuBuilder &g, const GradientMath &math,
                       const OwnerSpec &spec, MapList &maps)
    : k(k), spec(spec), g(g), math(math), view(k, spec.view, spec.shape.n),
      ownSide(view, ownsKeys(spec.owner), spec.cut.ownRows()),
      streamSide(view, !ownsKeys(spec.owner), spec.cut.columns),
      ownFirst(g, ownSide, firstOperand(spec.owner), spec.shape.dQk, maps),
      ownValues(g, ownSide, valueOperand(spec.owner), spec.shape.dV, maps),
      streamFirst(g, streamSide, ownsKeys(spec.owner) ? kQ : kK, spec.shape.dQk, maps),
      streamValues(g, streamSide, ownsKeys(spec.owner) ? kDOut : kV, spec.shape.dV, maps),
      ownFirstAt(layout.take(ownFirst.bytes(), kTileAlignment)),
      ownValuesAt(layout.take(ownValues.bytes(), kTileAlignment)),
      streamFirstAt(layout.take(spec.cut.stages * streamFirst.bytes(), kTileAlignment)),
      streamValuesAt(layout.take(spec.cut.stages * streamValues.bytes(), kTileAlignment)),
      statisticsAt(layout.take(hasStatistics() ? spec.cut.stages * spec.cut.columns * 2 * 4 : 0, 16)),
      ownRing(layout, 1), ring(layout, spec.cut.stages) {}

/// Producers arrive at a full barrier once (a bulk copy) or once a thread; with statistics, so do the threads
/// that bring them.
void TileStream::setUp(llvm::function_ref<void()> more) const {
  int64_t own = ownFirst.isBulk() ? 1 : kGroupThreads;
  int64_t stream = streamFirst.isBulk() ? 1 + (hasStatistics() ? spec.cut.columns : 0) : kGroupThreads;
  g.when(g.equal(g.thread, 0), [&] {
    ownRing.init(g, own, spec.cut.groups * kWarpsInGroup);
    ring.init(g, stream, spec.cut.groups * kWarpsInGroup);
    if (more) more();
    dgpu::MBarrierFenceOp::create(g.b, g.loc);
  });
  if (ownSide.leavesRows()) g.clear(ownFirstAt, ownValuesAt + ownValues.bytes() - ownFirstAt, threads());
  if (streamSide.leavesRows())
    g.clear(streamFirstAt, streamValuesAt + spec.cut.stages * streamValues.bytes() - streamFirstAt,
            threads());
  if (ownSide.leavesRows() || streamSide.leavesRows()) dgpu::FenceAsyncSharedOp::create(g.b, g.loc);
  gpu::BarrierOp::create(g.b, g.loc);
}

//===-- items ------------------------------------------------------------------------------------===//

/// Calls `body` with each item that exists; the step of the ring goes on from item to item.
Value TileStream::forEachItem(Value from, Value to,
                              llvm::function_ref<void(const Item &, Value, Value)> body) const {
  int64_t heads = spec.view.getHeads().size();
  int64_t extents[] = {spec.tiles, spec.shape.batch, spec.slices,
                       heads}; // the last one runs fastest: neighbours in memory
  Value zero = g.i32(0);
  auto steps = g.loop(from, to, 1, {zero, zero}, [&](Value number, ValueRange carried) {
    SmallVector<Value> at;
    int64_t stride = 1;
    for (int d = 3; d >= 0; stride *= extents[d--])
      at.insert(at.begin(),
                extents[d] == 1 ? k.index(0) : k.apply(k.dim(0).floorDiv(stride) % extents[d], number));
    Value head = k.headAt(spec.view.getHeads(), at[3]), slice = at[2];
    // Among queries the last tiles of a causal pattern meet most keys: they come first.
    AffineExpr tile = ownsKeys(spec.owner) ? k.dim(0) : -k.dim(0) + (spec.tiles - 1);
    Item item;
    item.own = {at[1], head, slice, k.apply(tile * ownSide.tile, at[0]), Value()};
    Value sliceExists =
        view.view.slices.isConstant() ? Value() : k.less(slice, k.apply(view.view.slices, head));
    item.own.extent = ownSide.extent(head, slice);
    item.other = streamSide.extent(head, slice);
    Value last =
        k.min(k.apply(k.dim(0) + (ownSide.tile - 1), item.own.first), k.apply(k.dim(0) - 1, item.own.extent));
    ViewInKernel::Range range = ownSide.meets(head, slice, item.own.first, last, item.other);
    item.tileFrom = g.toI32(k.apply(k.dim(0).floorDiv(streamSide.tile), range.from));
    Value end = g.toI32(k.apply(k.dim(0).ceilDiv(streamSide.tile), range.to));
    item.tileTo = g.select(k.less(range.from, range.to), end, item.tileFrom);
    if (relaysQueries(spec.owner)) {
      auto even = [&](Value tile) { return g.mul(g.div(tile, 2), 2); };
      item.tileFrom = even(item.tileFrom), item.tileTo = even(g.add(item.tileTo, 1));
    }
    AffineExpr sequence = (k.dim(0) * spec.slices + k.dim(1)) * heads + k.dim(2);
    item.sequence = k.apply(sequence, {at[1], at[2], at[3]});
    Value exists = k.less(item.own.first, item.own.extent);
    if (sliceExists) exists = g.both(exists, sliceExists);
    return g.choose(
        exists, {zero.getType(), zero.getType()},
        [&] {
          body(item, carried[0], carried[1]);
          return SmallVector<Value>{g.add(carried[0], 1),
                                    g.add(carried[1], g.sub(item.tileTo, item.tileFrom))};
        },
        [&] { return SmallVector<Value>(carried); });
  });
  return steps[1];
}

Value TileStream::tileOf(const Item &item, Value turn) const {
  if (!relaysQueries(spec.owner)) return turn;
  Value back = g.add(g.sub(item.tileFrom, turn), -2); // from the end, but for the order within a pair
  return g.add(g.add(item.tileTo, back), g.mul(g.rem(turn, 2), 2));
}

TilePlace TileStream::streamed(const Item &item, Value tile) const {
  Value first = k.apply(k.dim(0) * streamSide.tile, g.toIndex(tile));
  if (relaysQueries(spec.owner)) {
    AffineExpr last = (k.dim(0) - 1).floorDiv(streamSide.tile) * streamSide.tile;
    first = k.min(first, k.apply(last, item.other));
  }
  return {item.own.batch, item.own.head, item.own.slice, first, item.other};
}

Value TileStream::streamOffset(const Ring::Slot &slot, bool values) const {
  const ActivationTiles &tiles = values ? streamValues : streamFirst;
  return g.add(g.mul(slot.number, tiles.bytes()), values ? streamValuesAt : streamFirstAt);
}

Value TileStream::statisticsOffset(const Ring::Slot &slot, int64_t which) const {
  int64_t bytes = spec.cut.columns * 4;
  return g.add(g.mul(slot.number, 2 * bytes), statisticsAt + which * bytes);
}

//===-- producers --------------------------------------------------------------------------------===//

void TileStream::produce(Value from, Value to) const {
  forEachItem(from, to, [&](const Item &item, Value count, Value step) {
    Ring::Slot slot = ownRing.slot(g, count);
    if (ownFirst.isBulk()) {
      g.when(g.equal(g.thread, 0), [&] {
        ownRing.waitEmpty(g, slot);
        Value barrier = ownRing.fullBarrier(g, slot);
        dgpu::MBarrierArriveOp::create(g.b, g.loc, barrier,
                                       g.i32(ownFirst.bulkBytes() + ownValues.bulkBytes()));
        ownFirst.loadBulk(item.own, g.i32(ownFirstAt), barrier);
        ownValues.loadBulk(item.own, g.i32(ownValuesAt), barrier);
      });
    } else {
      ownRing.waitEmpty(g, slot);
      ownFirst.gather(item.own, g.i32(ownFirstAt));
      ownValues.gather(item.own, g.i32(ownValuesAt));
      dgpu::CopyAsyncCommitOp::create(g.b, g.loc);
      dgpu::CopyAsyncWaitOp::create(g.b, g.loc, 0);
      dgpu::FenceAsyncSharedOp::create(g.b, g.loc);
      dgpu::MBarrierArriveOp::create(g.b, g.loc, ownRing.fullBarrier(g, slot), Value());
    }
    produceStream(item, step);
  });
}

/// With bulk copies, thread 0 starts them and the last threads of the group bring the statistics; else all
/// threads bring all.
void TileStream::produceStream(const Item &item, Value step) const {
  auto eachTile = [&](llvm::function_ref<void(const TilePlace &, const Ring::Slot &)> body) {
    g.loop(item.tileFrom, item.tileTo, 1, {}, [&](Value turn, ValueRange) {
      Ring::Slot slot = ring.slot(g, g.add(step, g.sub(turn, item.tileFrom)));
      ring.waitEmpty(g, slot);
      body(streamed(item, tileOf(item, turn)), slot);
      return SmallVector<Value>();
    });
  };
  if (!streamFirst.isBulk()) {
    eachTile([&](const TilePlace &place, const Ring::Slot &slot) {
      streamFirst.gather(place, streamOffset(slot, false));
      streamValues.gather(place, streamOffset(slot, true));
      dgpu::CopyAsyncCommitOp::create(g.b, g.loc);
      if (hasStatistics())
        g.when(g.less(g.threadInGroup(), g.i32(spec.cut.columns)), [&] { loadStatistics(place, slot); });
      dgpu::CopyAsyncWaitOp::create(g.b, g.loc, 0);
      dgpu::FenceAsyncSharedOp::create(g.b, g.loc);
      dgpu::MBarrierArriveOp::create(g.b, g.loc, ring.fullBarrier(g, slot), Value());
    });
    return;
  }
  g.when(g.equal(g.thread, 0), [&] {
    eachTile([&](const TilePlace &place, const Ring::Slot &slot) {
      Value barrier = ring.fullBarrier(g, slot);
      dgpu::MBarrierArriveOp::create(g.b, g.loc, barrier,
                                     g.i32(streamFirst.bulkBytes() + streamValues.bulkBytes()));
      streamFirst.loadBulk(place, streamOffset(slot, false), barrier);
      streamValues.loadBulk(place, streamOffset(slot, true), barrier);
    });
  });
  if (!hasStatistics()) return;
  g.when(g.compare(arith::CmpIPredicate::sge, g.threadInGroup(), g.i32(kGroupThreads - spec.cut.columns)),
         [&] {
           eachTile([&](const TilePlace &place, const Ring::Slot &slot) {
             loadStatistics(place, slot);
             dgpu::MBarrierArriveOp::create(g.b, g.loc, ring.fullBarrier(g, slot), Value());
           });
         });
}

/// A thread a query: -lse log2 e and delta, 0 where there is none.
void TileStream::loadStatistics(const TilePlace &place, const Ring::Slot &slot) const {
  Value column = g.rem(g.threadInGroup(), spec.cut.columns);
  Value x = arith::AddIOp::create(g.b, g.loc, place.first, g.toIndex(column));
  Type f32 = g.b.getF32Type();
  auto zero = [&] { return arith::ConstantOp::create(g.b, g.loc, g.b.getF32FloatAttr(0)).getResult(); };
  auto values = g.choose(
      k.less(x, place.extent), {f32, f32},
      [&] {
        Value position = k.apply(streamSide.position(), {place.head, place.slice, x});
        return math.statisticsAt(place.batch, place.head, position);
      },
      [&] { return SmallVector<Value>{zero(), zero()}; });
  for (int64_t which : {0, 1})
    memref::StoreOp::create(g.b, g.loc, values[which],
                            g.array(spec.cut.columns, f32, statisticsOffset(slot, which)), g.toIndex(column));
}

} // namespace drawloom::attention
