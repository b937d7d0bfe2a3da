#include "passes/attention/gpu/OwnerKernel.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

using namespace mlir;

namespace drawloom::attention {
namespace {

constexpr int64_t kTileAlignment = 1024, kWarpsInGroup = 4;

unsigned firstOperand(Owner owner) { return ownsKeys(owner) ? kK : kQ; }
unsigned valueOperand(Owner owner) { return ownsKeys(owner) ? kV : kDOut; }

} // namespace

OwnerKernel::OwnerKernel(const TileKernel &k, const OwnerSpec &spec, MapList &maps)
    : k(k), spec(spec), g(k), math(g, spec.shape.scale), view(k, spec.view, spec.shape.n),
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

void OwnerKernel::build(Value from, Value to) const {
  setUp();
  bool gathers = !ownFirst.isBulk() || !streamFirst.isBulk();
  g.when(
      g.equal(g.group, 0),
      [&] {
        if (spec.cut.movesRegisters())
          dgpu::SetMaxRegistersOp::create(g.b, g.loc, spec.cut.producerRegisters(gathers), false);
        produce(from, to);
      },
      [&] {
        if (spec.cut.movesRegisters())
          dgpu::SetMaxRegistersOp::create(g.b, g.loc, spec.cut.consumerRegisters(gathers), true);
        consume(from, to);
      });
}

/// Producers arrive at a full barrier once (a bulk copy) or once a thread; with statistics, so do the threads
/// that bring them.
void OwnerKernel::setUp() const {
  int64_t own = ownFirst.isBulk() ? 1 : kGroupThreads;
  int64_t stream = streamFirst.isBulk() ? 1 + (hasStatistics() ? spec.cut.columns : 0) : kGroupThreads;
  g.when(g.equal(g.thread, 0), [&] {
    ownRing.init(g, own, spec.cut.groups * kWarpsInGroup);
    ring.init(g, stream, spec.cut.groups * kWarpsInGroup);
    dgpu::MBarrierFenceOp::create(g.b, g.loc);
  });
  if (ownSide.leavesRows()) clear(ownFirstAt, ownValuesAt + ownValues.bytes() - ownFirstAt);
  if (streamSide.leavesRows())
    clear(streamFirstAt, streamValuesAt + spec.cut.stages * streamValues.bytes() - streamFirstAt);
  if (ownSide.leavesRows() || streamSide.leavesRows()) dgpu::FenceAsyncSharedOp::create(g.b, g.loc);
  gpu::BarrierOp::create(g.b, g.loc);
}

void OwnerKernel::clear(int64_t offset, int64_t bytes) const {
  constexpr int64_t kLanes = 4;
  Value array = g.array(bytes / 4, g.b.getF32Type(), g.i32(offset)),
        zero = g.splat(g.vector({kLanes}, g.b.getF32Type()), 0.0);
  g.loop(g.thread, g.i32(bytes / (4 * kLanes)), threads(), {}, [&](Value i, ValueRange) {
    g.store(zero, array, {g.toIndex(g.mul(i, kLanes))}, 16);
    return SmallVector<Value>();
  });
}

//===-- items
//-------------------------------------------------------------------------------------------------------===//

/// Calls `body` with each item that exists; the step of the ring goes on from item to item.
Value OwnerKernel::forEachItem(Value from, Value to,
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

TilePlace OwnerKernel::streamed(const Item &item, Value tile) const {
  return {item.own.batch, item.own.head, item.own.slice, k.apply(k.dim(0) * streamSide.tile, g.toIndex(tile)),
          item.other};
}

Value OwnerKernel::streamOffset(const Ring::Slot &slot, bool values) const {
  const ActivationTiles &tiles = values ? streamValues : streamFirst;
  return g.add(g.mul(slot.number, tiles.bytes()), values ? streamValuesAt : streamFirstAt);
}

Value OwnerKernel::statisticsOffset(const Ring::Slot &slot, int64_t which) const {
  int64_t bytes = spec.cut.columns * 4;
  return g.add(g.mul(slot.number, 2 * bytes), statisticsAt + which * bytes);
}

//===-- producers
//---------------------------------------------------------------------------------------------------===//

void OwnerKernel::produce(Value from, Value to) const {
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
void OwnerKernel::produceStream(const Item &item, Value step) const {
  auto eachTile = [&](llvm::function_ref<void(const TilePlace &, const Ring::Slot &)> body) {
    g.loop(item.tileFrom, item.tileTo, 1, {}, [&](Value tile, ValueRange) {
      Ring::Slot slot = ring.slot(g, g.add(step, g.sub(tile, item.tileFrom)));
      ring.waitEmpty(g, slot);
      body(streamed(item, tile), slot);
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
void OwnerKernel::loadStatistics(const TilePlace &place, const Ring::Slot &slot) const {
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

//===-- consumers
//---------------------------------------------------------------------------------------------------===//

void OwnerKernel::consume(Value from, Value to) const {
  forEachItem(from, to, [&](const Item &item, Value count, Value step) {
    Ring::Slot slot = ownRing.slot(g, count);
    ownRing.waitFull(g, slot);
    consumeItem(item, step);
    dgpu::FenceAsyncSharedOp::create(g.b, g.loc);
    ownRing.release(g, slot);
  });
}

OwnerKernel::Rows OwnerKernel::rowsOf(const Item &item) const {
  const TilePlace &own = item.own;
  Rows rows;
  rows.row = g.mul(g.add(g.group, -1), kGroupRows);
  rows.bounds = math.boundsOf(ownSide, own, item.other, rows.row);
  auto operand = [&](const ActivationTiles &tiles, int64_t offset) {
    return g.groupRows(g.tile(tiles.type, g.i32(offset)), rows.row);
  };
  rows.first = operand(ownFirst, ownFirstAt), rows.values = operand(ownValues, ownValuesAt);
  if (ownsKeys(spec.owner)) return rows;
  SmallVector<Value> lse, delta;
  for (Value x : math.positionsOf(own, rows.row)) {
    auto both = math.statisticsAt(own.batch, own.head, k.apply(ownSide.position(), {own.head, own.slice, x}));
    lse.push_back(both[0]), delta.push_back(both[1]);
  }
  auto pair = g.vector({2, 1}, g.b.getF32Type());
  rows.statistics = {vector::FromElementsOp::create(g.b, g.loc, pair, lse),
                     vector::FromElementsOp::create(g.b, g.loc, pair, delta)};
  return rows;
}

void OwnerKernel::consumeItem(const Item &item, Value step) const {
  Rows rows = rowsOf(item);
  SmallVector<Value> zeros;
  if (makesFirst(spec.owner)) zeros.push_back(g.splat(g.accumulator(spec.shape.dQk), 0));
  if (makesValues(spec.owner)) zeros.push_back(g.splat(g.accumulator(spec.shape.dV), 0));
  auto unpack = [&](ValueRange sums) {
    return Gradients{makesFirst(spec.owner) ? sums.front() : Value(),
                     makesValues(spec.owner) ? sums.back() : Value()};
  };
  auto sums = g.loop(item.tileFrom, item.tileTo, 1, zeros, [&](Value tile, ValueRange carried) {
    Ring::Slot slot = ring.slot(g, g.add(step, g.sub(tile, item.tileFrom)));
    ring.waitFull(g, slot);
    SmallVector<Value> next = g.choose(
        math.isMet(rows.bounds, g.mul(tile, spec.cut.columns), spec.cut.columns), TypeRange(carried),
        [&] {
          Gradients out = meet(rows, slot, tile, unpack(carried));
          SmallVector<Value> list;
          if (out.first) list.push_back(out.first);
          if (out.values) list.push_back(out.values);
          return list;
        },
        [&] { return SmallVector<Value>(carried); });
    ring.release(g, slot);
    return next;
  });
  finish(item, rows.row, unpack(sums));
}

OwnerKernel::Gradients OwnerKernel::meet(const Rows &rows, const Ring::Slot &slot, Value tile,
                                         Gradients gradients) const {
  auto firstTile = g.tile(streamFirst.type, streamOffset(slot, false)),
       valueTile = g.tile(streamValues.type, streamOffset(slot, true));
  Type element = streamFirst.type.getElementType();
  auto accumulate = [&](Value left, TypedValue<dgpu::TileType> stream, Value sum) {
    return dgpu::WgmmaOp::create(g.b, g.loc, sum.getType(), math.packed(left, element), stream, sum, false,
                                 false)
        .getResult();
  };
  Value scores = math.scoreProduct(rows.first, firstTile), outGradients;
  if (gradients.first) outGradients = math.scoreProduct(rows.values, valueTile);
  QueryStatistics queries = rows.statistics;
  if (!queries.lse)
    queries = math.columnStatistics(statisticsOffset(slot, 0), statisticsOffset(slot, 1), spec.cut.columns);
  scores = math.wait(scores, gradients.first ? 1 : 0)[0];
  Value p = math.probabilities(scores, queries, rows.bounds, g.mul(tile, spec.cut.columns));
  if (gradients.values) gradients.values = accumulate(p, valueTile, gradients.values);
  if (!gradients.first) return {Value(), math.wait(gradients.values, 0)[0]};
  outGradients = math.wait(outGradients, gradients.values ? 1 : 0)[0];
  gradients.first = accumulate(math.scoreGradients(p, outGradients, queries), firstTile, gradients.first);
  if (!gradients.values) return {math.wait(gradients.first, 0)[0], Value()};
  auto done = math.wait({gradients.first, gradients.values}, 0);
  return {done[0], done[1]};
}

/// A barrier of the thread's warp group; each group has its own.
void OwnerKernel::groupBarrier() const {
  for (int64_t group = 1; group <= spec.cut.groups; ++group)
    g.when(g.equal(g.group, group),
           [&] { dgpu::NamedBarrierOp::create(g.b, g.loc, group, kGroupThreads, false); });
}

/// Through the owned operands' places in shared memory, which nobody reads any more.
void OwnerKernel::finish(const Item &item, Value row, const Gradients &gradients) const {
  auto barrier = [&] { groupBarrier(); };
  auto store = [&](Value gradient, unsigned argument, double factor, const ActivationTiles &tiles,
                   int64_t offset) {
    GradientStore target{g, {g, ownSide, k.kernel.memref(argument), tiles.type}, spec.continues, barrier};
    target.store(gradient, factor, target.fetch(item.own, row), item.own, row, g.i32(offset));
  };
  if (gradients.first) store(gradients.first, spec.first, spec.shape.scale, ownFirst, ownFirstAt);
  if (gradients.values) store(gradients.values, spec.values, 1.0, ownValues, ownValuesAt);
}

} // namespace drawloom::attention
