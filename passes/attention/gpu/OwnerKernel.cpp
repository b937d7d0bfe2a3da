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
    : k(k), spec(spec), g(k), view(k, spec.view, spec.shape.n), ownSide(view, ownsKeys(spec.owner), spec.cut.ownRows()),
      streamSide(view, !ownsKeys(spec.owner), spec.cut.columns), ownFirst(g, ownSide, firstOperand(spec.owner), spec.shape.dQk, maps),
      ownValues(g, ownSide, valueOperand(spec.owner), spec.shape.dV, maps),
      streamFirst(g, streamSide, ownsKeys(spec.owner) ? kQ : kK, spec.shape.dQk, maps),
      streamValues(g, streamSide, ownsKeys(spec.owner) ? kDOut : kV, spec.shape.dV, maps),
      ownFirstAt(layout.take(ownFirst.bytes(), kTileAlignment)), ownValuesAt(layout.take(ownValues.bytes(), kTileAlignment)),
      streamFirstAt(layout.take(spec.cut.stages * streamFirst.bytes(), kTileAlignment)),
      streamValuesAt(layout.take(spec.cut.stages * streamValues.bytes(), kTileAlignment)),
      statisticsAt(layout.take(hasStatistics() ? spec.cut.stages * spec.cut.columns * 2 * 4 : 0, 16)), ownRing(layout, 1),
      ring(layout, spec.cut.stages) {}

void OwnerKernel::build(Value from, Value to) const {
  setUp();
  g.when(
      g.equal(g.group, 0),
      [&] {
        if (spec.cut.groups > 1) dgpu::SetMaxRegistersOp::create(g.b, g.loc, ownFirst.isBulk() && streamFirst.isBulk() ? 24 : 40, false);
        produce(from, to);
      },
      [&] {
        if (spec.cut.groups > 1) dgpu::SetMaxRegistersOp::create(g.b, g.loc, spec.cut.groups == 2 ? 232 : 152, true);
        consume(from, to);
      });
}

/// Producers arrive at a full barrier once (a bulk copy) or once a thread; with statistics, so do the threads that bring them.
void OwnerKernel::setUp() const {
  int64_t own = ownFirst.isBulk() ? 1 : kGroupThreads;
  int64_t stream = streamFirst.isBulk() ? 1 + (hasStatistics() ? spec.cut.columns : 0) : kGroupThreads;
  g.when(g.equal(g.thread, 0), [&] {
    ownRing.init(g, own, spec.cut.groups * kWarpsInGroup);
    ring.init(g, stream, spec.cut.groups * kWarpsInGroup);
    dgpu::MBarrierFenceOp::create(g.b, g.loc);
  });
  if (ownSide.leavesRows()) clear(ownFirstAt, ownValuesAt + ownValues.bytes() - ownFirstAt);
  if (streamSide.leavesRows()) clear(streamFirstAt, streamValuesAt + spec.cut.stages * streamValues.bytes() - streamFirstAt);
  if (ownSide.leavesRows() || streamSide.leavesRows()) dgpu::FenceAsyncSharedOp::create(g.b, g.loc);
  gpu::BarrierOp::create(g.b, g.loc);
}

void OwnerKernel::clear(int64_t offset, int64_t bytes) const {
  constexpr int64_t kLanes = 4;
  Value array = g.array(bytes / 4, g.b.getF32Type(), g.i32(offset)), zero = g.splat(g.vector({kLanes}, g.b.getF32Type()), 0.0);
  g.loop(g.thread, g.i32(bytes / (4 * kLanes)), threads(), {}, [&](Value i, ValueRange) {
    g.store(zero, array, {g.toIndex(g.mul(i, kLanes))}, 16);
    return SmallVector<Value>();
  });
}

//===-- items -------------------------------------------------------------------------------------------------------===//

/// Calls `body` with each item that exists; the step of the ring goes on from item to item.
Value OwnerKernel::forEachItem(Value from, Value to, llvm::function_ref<void(const Item &, Value, Value)> body) const {
  int64_t heads = spec.view.getHeads().size();
  int64_t extents[] = {spec.tiles, spec.shape.batch, spec.slices, heads}; // the last one runs fastest: neighbours in memory
  Value zero = g.i32(0);
  auto steps = g.loop(from, to, 1, {zero, zero}, [&](Value number, ValueRange carried) {
    SmallVector<Value> at;
    int64_t stride = 1;
    for (int d = 3; d >= 0; stride *= extents[d--])
      at.insert(at.begin(), extents[d] == 1 ? k.index(0) : k.apply(k.dim(0).floorDiv(stride) % extents[d], number));
    Value head = k.headAt(spec.view.getHeads(), at[3]), slice = at[2];
    // Among queries the last tiles of a causal pattern meet most keys: they come first.
    AffineExpr tile = ownsKeys(spec.owner) ? k.dim(0) : -k.dim(0) + (spec.tiles - 1);
    Item item;
    item.own = {at[1], head, slice, k.apply(tile * ownSide.tile, at[0]), Value()};
    Value sliceExists = view.view.slices.isConstant() ? Value() : k.less(slice, k.apply(view.view.slices, head));
    item.own.extent = ownSide.extent(head, slice);
    item.other = streamSide.extent(head, slice);
    Value last = k.min(k.apply(k.dim(0) + (ownSide.tile - 1), item.own.first), k.apply(k.dim(0) - 1, item.own.extent));
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
          return SmallVector<Value>{g.add(carried[0], 1), g.add(carried[1], g.sub(item.tileTo, item.tileFrom))};
        },
        [&] { return SmallVector<Value>(carried); });
  });
  return steps[1];
}

TilePlace OwnerKernel::streamed(const Item &item, Value tile) const {
  return {item.own.batch, item.own.head, item.own.slice, k.apply(k.dim(0) * streamSide.tile, g.toIndex(tile)), item.other};
}

Value OwnerKernel::streamOffset(const Ring::Slot &slot, bool values) const {
  const ActivationTiles &tiles = values ? streamValues : streamFirst;
  return g.add(g.mul(slot.number, tiles.bytes()), values ? streamValuesAt : streamFirstAt);
}

Value OwnerKernel::statisticsOffset(const Ring::Slot &slot, int64_t which) const {
  int64_t bytes = spec.cut.columns * 4;
  return g.add(g.mul(slot.number, 2 * bytes), statisticsAt + which * bytes);
}

//===-- producers ---------------------------------------------------------------------------------------------------===//

void OwnerKernel::produce(Value from, Value to) const {
  forEachItem(from, to, [&](const Item &item, Value count, Value step) {
    Ring::Slot slot = ownRing.slot(g, count);
    if (ownFirst.isBulk()) {
      g.when(g.equal(g.thread, 0), [&] {
        ownRing.waitEmpty(g, slot);
        Value barrier = ownRing.fullBarrier(g, slot);
        dgpu::MBarrierArriveOp::create(g.b, g.loc, barrier, g.i32(ownFirst.bulkBytes() + ownValues.bulkBytes()));
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

/// With bulk copies, thread 0 starts them and the last threads of the group bring the statistics; else all threads bring all.
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
      if (hasStatistics()) g.when(g.less(g.threadInGroup(), g.i32(spec.cut.columns)), [&] { loadStatistics(place, slot); });
      dgpu::CopyAsyncWaitOp::create(g.b, g.loc, 0);
      dgpu::FenceAsyncSharedOp::create(g.b, g.loc);
      dgpu::MBarrierArriveOp::create(g.b, g.loc, ring.fullBarrier(g, slot), Value());
    });
    return;
  }
  g.when(g.equal(g.thread, 0), [&] {
    eachTile([&](const TilePlace &place, const Ring::Slot &slot) {
      Value barrier = ring.fullBarrier(g, slot);
      dgpu::MBarrierArriveOp::create(g.b, g.loc, barrier, g.i32(streamFirst.bulkBytes() + streamValues.bulkBytes()));
      streamFirst.loadBulk(place, streamOffset(slot, false), barrier);
      streamValues.loadBulk(place, streamOffset(slot, true), barrier);
    });
  });
  if (!hasStatistics()) return;
  g.when(g.compare(arith::CmpIPredicate::sge, g.threadInGroup(), g.i32(kGroupThreads - spec.cut.columns)), [&] {
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
        SmallVector<Value> at{place.batch, place.head, position};
        Value lse = memref::LoadOp::create(g.b, g.loc, k.kernel.memref(kLse), at);
        Value delta = memref::LoadOp::create(g.b, g.loc, k.kernel.memref(kDelta), at);
        Value factor = arith::ConstantOp::create(g.b, g.loc, g.b.getF32FloatAttr(float(-kLog2E)));
        return SmallVector<Value>{g.mulf(lse, factor), delta};
      },
      [&] { return SmallVector<Value>{zero(), zero()}; });
  for (int64_t which : {0, 1})
    memref::StoreOp::create(g.b, g.loc, values[which], g.array(spec.cut.columns, f32, statisticsOffset(slot, which)), g.toIndex(column));
}

//===-- consumers ---------------------------------------------------------------------------------------------------===//

void OwnerKernel::consume(Value from, Value to) const {
  forEachItem(from, to, [&](const Item &item, Value count, Value step) {
    Ring::Slot slot = ownRing.slot(g, count);
    ownRing.waitFull(g, slot);
    consumeItem(item, step);
    dgpu::FenceAsyncSharedOp::create(g.b, g.loc);
    ownRing.release(g, slot);
  });
}

/// The thread's two rows of its group's 64 are 16 warp + lane / 4, and 8 further on.
OwnerKernel::Rows OwnerKernel::rowsOf(const Item &item, Value row) const {
  const TilePlace &own = item.own;
  Rows rows;
  Value inGroup = g.add(g.mul(g.div(g.threadInGroup(), kWarpThreads), 16), g.div(g.lane(), 4));
  Type f32 = g.b.getF32Type(), i32 = g.b.getI32Type();
  SmallVector<Value> low, high, lse, delta;
  for (int64_t r : {0, 8}) {
    Value x = arith::AddIOp::create(g.b, g.loc, own.first, g.toIndex(g.add(g.add(row, inGroup), r)));
    // Rows that do not exist take the last one's place; what comes out of them is not stored.
    x = k.min(x, k.apply(k.dim(0) - 1, own.extent));
    ViewInKernel::Range range = ownSide.meets(own.head, own.slice, x, x, item.other);
    low.push_back(g.toI32(range.from)), high.push_back(g.toI32(range.to));
    if (ownsKeys(spec.owner)) continue;
    SmallVector<Value> at{own.batch, own.head, k.apply(ownSide.position(), {own.head, own.slice, x})};
    Value factor = arith::ConstantOp::create(g.b, g.loc, g.b.getF32FloatAttr(float(-kLog2E)));
    lse.push_back(g.mulf(memref::LoadOp::create(g.b, g.loc, k.kernel.memref(kLse), at), factor));
    delta.push_back(memref::LoadOp::create(g.b, g.loc, k.kernel.memref(kDelta), at));
  }
  auto pair = [&](ValueRange values, Type type) { return vector::FromElementsOp::create(g.b, g.loc, g.vector({2, 1}, type), values); };
  rows.low = pair(low, i32), rows.high = pair(high, i32);
  if (!ownsKeys(spec.owner)) rows.lse = pair(lse, f32), rows.delta = pair(delta, f32);

  Value first = arith::AddIOp::create(g.b, g.loc, own.first, g.toIndex(row));
  Value last = k.min(k.apply(k.dim(0) + (kGroupRows - 1), first), k.apply(k.dim(0) - 1, own.extent));
  ViewInKernel::Range range = ownSide.meets(own.head, own.slice, first, last, item.other);
  rows.from = g.toI32(range.from), rows.wholeFrom = g.toI32(range.wholeFrom), rows.wholeTo = g.toI32(range.wholeTo);
  // A group without rows meets nothing.
  rows.to = g.toI32(g.select(k.less(first, own.extent), range.to, range.from));

  if (spec.cut.ownInRegisters) {
    auto load = [&](const ActivationTiles &tiles, int64_t offset) {
      auto part = g.groupRows(g.tile(tiles.type, g.i32(offset)), row);
      auto fragment = g.vector({tiles.type.getColumns() / 8, 2, 2}, tiles.type.getElementType());
      return dgpu::LoadFragmentOp::create(g.b, g.loc, fragment, part);
    };
    rows.firstFragment = load(ownFirst, ownFirstAt), rows.valueFragment = load(ownValues, ownValuesAt);
  }
  return rows;
}

void OwnerKernel::consumeItem(const Item &item, Value step) const {
  Value row = g.mul(g.add(g.group, -1), kGroupRows);
  Rows rows = rowsOf(item, row);
  SmallVector<Value> zeros;
  if (makesFirst(spec.owner)) zeros.push_back(g.splat(g.accumulator(spec.shape.dQk), 0));
  if (makesValues(spec.owner)) zeros.push_back(g.splat(g.accumulator(spec.shape.dV), 0));
  auto unpack = [&](ValueRange sums) {
    return Gradients{makesFirst(spec.owner) ? sums.front() : Value(), makesValues(spec.owner) ? sums.back() : Value()};
  };
  auto sums = g.loop(item.tileFrom, item.tileTo, 1, zeros, [&](Value tile, ValueRange carried) {
    Ring::Slot slot = ring.slot(g, g.add(step, g.sub(tile, item.tileFrom)));
    ring.waitFull(g, slot);
    Value at = g.mul(tile, spec.cut.columns);
    Value isMet = g.both(g.less(rows.from, g.add(at, spec.cut.columns)), g.both(g.less(at, rows.to), g.less(rows.from, rows.to)));
    SmallVector<Value> next = g.choose(
        isMet, TypeRange(carried),
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
  Gradients all = unpack(sums);
  if (all.first) finish(item, row, all.first, spec.first, ownFirst, ownFirstAt, spec.shape.scale);
  if (all.values) finish(item, row, all.values, spec.values, ownValues, ownValuesAt, 1.0);
}

/// own (64 rows) stream^T.
Value OwnerKernel::product(Value ownFragment, const ActivationTiles &own, int64_t ownOffset, Value row, const ActivationTiles &stream,
                           Value at) const {
  Value left = ownFragment;
  if (!left) left = g.groupRows(g.tile(own.type, g.i32(ownOffset)), row);
  return dgpu::WgmmaOp::create(g.b, g.loc, g.accumulator(spec.cut.columns), left, g.tile(stream.type, at), Value(), /*transpose_a=*/false,
                               /*transpose_b=*/true);
}

OwnerKernel::Gradients OwnerKernel::meet(const Rows &rows, const Ring::Slot &slot, Value tile, Gradients gradients) const {
  Value row = g.mul(g.add(g.group, -1), kGroupRows);
  Value firstAt = streamOffset(slot, false), valuesAt = streamOffset(slot, true);
  auto wait = [&](ValueRange values, int64_t pending) {
    return SmallVector<Value>(dgpu::WgmmaWaitOp::create(g.b, g.loc, values, pending).getResults());
  };
  auto packed = [&](Value fragment) {
    auto type = cast<VectorType>(fragment.getType());
    return arith::TruncFOp::create(g.b, g.loc, g.vector(type.getShape(), ownFirst.type.getElementType()), fragment).getResult();
  };
  auto accumulate = [&](Value left, const ActivationTiles &stream, Value at, Value sum) {
    return dgpu::WgmmaOp::create(g.b, g.loc, sum.getType(), left, g.tile(stream.type, at), sum, false, false).getResult();
  };
  Value scores = product(rows.firstFragment, ownFirst, ownFirstAt, row, streamFirst, firstAt), outGradients;
  if (gradients.first) outGradients = product(rows.valueFragment, ownValues, ownValuesAt, row, streamValues, valuesAt);
  scores = wait(scores, gradients.first ? 1 : 0)[0];
  Value p = probabilities(rows, slot, tile, scores);
  if (gradients.values) gradients.values = accumulate(packed(p), streamValues, valuesAt, gradients.values);
  if (!gradients.first) return {Value(), wait(gradients.values, 0)[0]};

  outGradients = wait(outGradients, gradients.values ? 1 : 0)[0];
  auto type = cast<VectorType>(p.getType());
  Value delta = rows.delta ? g.spread(rows.delta, type) : g.spread(columnStatistics(slot, 1), type);
  Value scoreGradients = g.mulf(p, g.subf(outGradients, delta));
  gradients.first = accumulate(packed(scoreGradients), streamFirst, firstAt, gradients.first);
  if (!gradients.values) return {wait(gradients.first, 0)[0], Value()};
  auto done = wait({gradients.first, gradients.values}, 0);
  return {done[0], done[1]};
}

/// exp(scores scale - lse), 0 where a row does not meet a column.
Value OwnerKernel::probabilities(const Rows &rows, const Ring::Slot &slot, Value tile, Value scores) const {
  auto type = cast<VectorType>(scores.getType());
  Value lse = rows.lse ? g.spread(rows.lse, type) : g.spread(columnStatistics(slot, 0), type);
  Value p = dgpu::Exp2Op::create(g.b, g.loc, g.fma(scores, g.splat(type, spec.shape.scale * kLog2E), lse));
  Value at = g.mul(tile, spec.cut.columns);
  Value isWhole = g.both(g.compare(arith::CmpIPredicate::sle, rows.wholeFrom, at),
                         g.compare(arith::CmpIPredicate::sle, g.add(at, spec.cut.columns), rows.wholeTo));
  auto masked = [&] {
    SmallVector<int32_t> columns; // of the first lane of four
    for (int64_t j = 0; j < type.getDimSize(0); ++j)
      for (int r : {0, 1})
        for (int e : {0, 1}) (void)r, columns.push_back(int32_t(8 * j + e));
    auto integers = g.vector(type.getShape(), g.b.getI32Type());
    Value column = arith::ConstantOp::create(g.b, g.loc, DenseElementsAttr::get(integers, ArrayRef<int32_t>(columns)));
    Value start = g.add(at, g.mul(g.rem(g.thread, 4), 2));
    Value starts = vector::BroadcastOp::create(g.b, g.loc, rows.low.getType(), start);
    Value low = g.spread(g.sub(rows.low, starts), integers), high = g.spread(g.sub(rows.high, starts), integers);
    Value inside = g.both(g.compare(arith::CmpIPredicate::sge, column, low), g.compare(arith::CmpIPredicate::slt, column, high));
    return SmallVector<Value>{g.select(inside, p, g.splat(type, 0))};
  };
  return g.choose(isWhole, TypeRange(type), [&] { return SmallVector<Value>{p}; }, masked)[0];
}

/// The statistics of the thread's columns 8 j + 2 (lane mod 4) + {0, 1}: vector<Jx1x2xf32>.
Value OwnerKernel::columnStatistics(const Ring::Slot &slot, int64_t which) const {
  Type f32 = g.b.getF32Type();
  Value array = g.array(spec.cut.columns, f32, statisticsOffset(slot, which)), first = g.mul(g.rem(g.thread, 4), 2);
  SmallVector<Value> elements;
  for (int64_t j = 0; j < spec.cut.columns / 8; ++j) {
    Value two = g.load(array, {g.toIndex(g.add(first, 8 * j))}, 2, 8);
    auto parts = vector::ToElementsOp::create(g.b, g.loc, two);
    elements.append(parts.getResults().begin(), parts.getResults().end());
  }
  return vector::FromElementsOp::create(g.b, g.loc, g.vector({spec.cut.columns / 8, 1, 2}, f32), elements);
}

/// A barrier of the thread's warp group; each group has its own.
void OwnerKernel::groupBarrier() const {
  for (int64_t group = 1; group <= spec.cut.groups; ++group)
    g.when(g.equal(g.group, group), [&] { dgpu::NamedBarrierOp::create(g.b, g.loc, group, kGroupThreads, false); });
}

/// Scales a gradient, adds what was there, and writes it through the owned operand's place in shared memory, which nobody reads any more.
void OwnerKernel::finish(const Item &item, Value row, Value gradient, unsigned argument, const ActivationTiles &tiles, int64_t offset,
                         double factor) const {
  auto type = cast<VectorType>(gradient.getType());
  Type element = tiles.type.getElementType();
  auto packedType = g.vector(type.getShape(), element);
  Value at = g.i32(offset);
  RowCopy rows{g, ownSide, k.kernel.memref(argument), tiles.type};
  auto part = [&] { return g.groupRows(g.tile(tiles.type, at), row); };
  groupBarrier();
  if (factor != 1.0) gradient = g.mulf(gradient, g.splat(type, factor));
  if (spec.continues) {
    rows.toShared(item.own, at, row);
    groupBarrier();
    Value before = dgpu::LoadFragmentOp::create(g.b, g.loc, packedType, part());
    gradient = arith::AddFOp::create(g.b, g.loc, gradient, arith::ExtFOp::create(g.b, g.loc, type, before));
    groupBarrier();
  }
  dgpu::StoreFragmentOp::create(g.b, g.loc, arith::TruncFOp::create(g.b, g.loc, packedType, gradient), part());
  groupBarrier();
  rows.toGlobal(item.own, at, row);
}

} // namespace drawloom::attention
