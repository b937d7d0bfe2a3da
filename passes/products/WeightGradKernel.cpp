#include "passes/products/WeightGradKernel.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "passes/products/ProductTiles.h"

using namespace mlir;

namespace drawloom::products {
namespace {

constexpr int64_t kTileAlignment = 1024, kWarpsInGroup = kGroupThreads / kWarpThreads, kRowLanes = 4;
constexpr int64_t kOnesColumns = 8; ///< the fewest that a product has

} // namespace

//===-- the line of units ---------------------------------------------------------------------------===//

Value UnitLine::firstUnit(Value block) const { return g.div(g.mul(block, cut.units(shape)), cut.blocks); }

std::pair<Value, Value> UnitLine::partialsOf(Value tile) const {
  // WeightGradCut::blockOf of the tile's first and last unit.
  int64_t perTile = gradSlices(shape) * cut.blocks, units = cut.units(shape);
  Value first = g.div(g.add(g.mul(tile, perTile), cut.blocks - 1), units);
  Value last = g.div(g.add(g.mul(tile, perTile), perTile - 1), units);
  return {g.add(first, tile), g.add(g.add(last, tile), 1)};
}

//===-- partial sums ----------------------------------------------------------------------------------===//

WeightGradKernel::WeightGradKernel(const rows::IndexBuilder &k, const WeightGradSpec &spec, MapList &maps)
    : spec(spec), shape(spec.shape), cut(spec.cut), g(k) {
  Type element = cast<MemRefType>(k.kernel.memref(spec.dy).getType()).getElementType();
  dyType = g.tileType(kSliceInner, cut.outputs(), element);
  xType = g.tileType(kSliceInner, cut.columns, element);
  onesType = g.tileType(kOnesColumns, kSliceInner, element);
  stagesAt = layout.take(cut.stages * (dyType.bytes() + xType.bytes()), kTileAlignment);
  onesAt = layout.take(spec.sums ? onesType.bytes() : 0, kTileAlignment);
  ring.emplace(layout, cut.stages);
  dyMap = mapOfRows(g, spec.dy, dyType, maps);
  xMap = mapOfRows(g, spec.x, xType, maps);
  block = g.toI32(k.kernel.begin());
  UnitLine line(g, spec);
  firstUnit = line.firstUnit(block);
  endUnit = line.firstUnit(g.add(block, 1));
}

void WeightGradKernel::build() {
  setUp();
  g.when(
      g.equal(g.group, cut.groups),
      [&] {
        dgpu::SetMaxRegistersOp::create(g.b, g.loc, kProducerRegisters, false);
        g.when(g.equal(g.thread, cut.groups * kGroupThreads), [&] { bringSlices(); });
      },
      [&] {
        dgpu::SetMaxRegistersOp::create(g.b, g.loc, consumerRegisters(cut.groups), true);
        consume();
      });
}

void WeightGradKernel::setUp() const {
  g.when(g.equal(g.thread, 0), [&] {
    ring->init(g, 1, cut.groups * kWarpsInGroup);
    dgpu::MBarrierFenceOp::create(g.b, g.loc);
  });
  if (spec.sums) {
    constexpr int64_t kLanes = 8;
    Type element = onesType.getElementType();
    Value one = arith::ConstantOp::create(
        g.b, g.loc, DenseElementsAttr::get(g.vector({kLanes}, element), g.b.getFloatAttr(element, 1.0)));
    Value memory = g.array(kOnesColumns * kSliceInner, element, g.i32(onesAt));
    g.when(g.less(g.thread, g.i32(kOnesColumns * kSliceInner / kLanes)),
           [&] { g.store(one, memory, g.toIndex(g.mul(g.thread, kLanes)), kLanes * kElementBytes); });
    dgpu::FenceAsyncSharedOp::create(g.b, g.loc);
  }
  gpu::BarrierOp::create(g.b, g.loc);
}

/// In every other tile slices are counted from the last one: where a tile ends in the middle of a block's
/// part, that block's slices are the last of one tile and of the next, and the other blocks of both tiles go
/// through the same rows at the same time, so that one of them finds in the cache what another has brought.
void WeightGradKernel::forEachSegment(llvm::function_ref<void(const Segment &)> body) const {
  int64_t slices = gradSlices(shape);
  Value firstTile = g.div(firstUnit, slices), endTile = g.add(g.div(g.add(endUnit, -1), slices), 1);
  g.loop(firstTile, endTile, 1, {}, [&](Value tile, ValueRange) {
    Value start = g.mul(tile, slices), end = g.add(start, slices);
    Value from = g.max(firstUnit, start), to = g.min(endUnit, end);
    Value firstSlice = g.select(g.equal(g.rem(tile, 2), 0), g.sub(from, start), g.sub(end, to));
    body({tile, g.add(block, tile), g.sub(from, firstUnit), firstSlice, g.sub(to, from)});
    return SmallVector<Value>();
  });
}

/// Offset of a slot's slice of dY; that of X follows it.
Value WeightGradKernel::stage(const Ring::Slot &slot) const {
  return g.add(g.mul(slot.number, dyType.bytes() + xType.bytes()), stagesAt);
}

/// A warp group's 64 columns of a slice of dY: a panel of it.
dgpu::TileType WeightGradKernel::groupType() const {
  return g.tileType(kSliceInner, kGroupRows, dyType.getElementType());
}

/// By one thread.
void WeightGradKernel::bringSlices() const {
  int64_t columnTiles = cut.columnTiles(shape);
  forEachSegment([&](const Segment &segment) {
    Value output = g.mul(g.div(segment.tile, columnTiles), cut.outputs());
    Value input = g.mul(columnTiles == 1 ? g.i32(0) : g.rem(segment.tile, columnTiles), cut.columns);
    g.loop(g.i32(0), segment.count, 1, {}, [&](Value i, ValueRange) {
      Ring::Slot slot = ring->slot(g, g.add(segment.firstStep, i));
      Value full = ring->fullBarrier(g, slot), at = stage(slot);
      Value row = g.mul(g.add(segment.firstSlice, i), kSliceInner);
      ring->waitEmpty(g, slot);
      dgpu::MBarrierArriveOp::create(g.b, g.loc, full, g.i32(dyType.bytes() + xType.bytes()));
      dgpu::TmaLoadOp::create(g.b, g.loc, g.tile(dyType, at), dyMap, ValueRange{output, row}, full);
      dgpu::TmaLoadOp::create(g.b, g.loc, g.tile(xType, g.add(at, dyType.bytes())), xMap,
                              ValueRange{input, row}, full);
      return SmallVector<Value>();
    });
  });
}

void WeightGradKernel::consume() const {
  forEachSegment([&](const Segment &segment) { store(segment, multiply(segment)); });
}

WeightGradKernel::Sums WeightGradKernel::multiply(const Segment &segment) const {
  SmallVector<Value> zeros{g.splat(g.accumulator(cut.columns), 0)};
  if (spec.sums) zeros.push_back(g.splat(g.accumulator(kOnesColumns), 0));
  auto slotOf = [&](Value i) { return ring->slot(g, g.add(segment.firstStep, i)); };
  SmallVector<Value> sums = g.loop(g.i32(0), segment.count, 1, zeros, [&](Value i, ValueRange carried) {
    Ring::Slot slot = slotOf(i);
    ring->waitFull(g, slot);
    Value at = stage(slot);
    Value dy = g.tile(groupType(), g.add(at, g.mul(g.group, dyType.panelBytes())));
    auto x = g.tile(xType, g.add(at, dyType.bytes()));
    SmallVector<Value> next(carried);
    if (spec.sums) next[1] = addOnes(segment, g.add(segment.firstSlice, i), dy, carried[1]);
    Value product = dgpu::WgmmaOp::create(g.b, g.loc, g.accumulator(cut.columns), dy, x, carried[0],
                                          /*transpose_a=*/true, /*transpose_b=*/false);
    next[0] = product;
    // All but the latest product are finished.
    SmallVector<Value> finished(dgpu::WgmmaWaitOp::create(g.b, g.loc, next, 1).getResults());
    g.when(g.less(g.i32(0), i), [&] { ring->release(g, slotOf(g.add(i, -1))); });
    return finished;
  });
  sums = dgpu::WgmmaWaitOp::create(g.b, g.loc, sums, 0).getResults();
  ring->release(g, slotOf(g.add(segment.count, -1)));
  return {sums[0], spec.sums ? sums[1] : Value()};
}

/// `sum` with the sums over a slice's rows, if it is the block's turn: each of the tiles that share rows of
/// dW has every so many slices.
Value WeightGradKernel::addOnes(const Segment &segment, Value slice, Value dy, Value sum) const {
  int64_t columnTiles = cut.columnTiles(shape);
  auto added = [&] {
    return SmallVector<Value>{dgpu::WgmmaOp::create(g.b, g.loc, sum.getType(), dy, ones(), sum,
                                                    /*transpose_a=*/true, /*transpose_b=*/true)};
  };
  if (columnTiles == 1) return added()[0];
  Value isOwn =
      g.compare(arith::CmpIPredicate::eq, g.rem(slice, columnTiles), g.rem(segment.tile, columnTiles));
  return g.choose(isOwn, sum.getType(), added, [&] { return SmallVector<Value>{sum}; })[0];
}

void WeightGradKernel::store(const Segment &segment, const Sums &sums) const {
  Value partial = g.toIndex(segment.partial), thread = g.threadInGroup();
  auto quad = g.vector({4}, g.b.getF32Type());
  Value products = g.k.kernel.memref(spec.products);
  for (int64_t chunk = 0; chunk < spec.chunks(); ++chunk) {
    Value held = vector::ExtractOp::create(g.b, g.loc, sums.products, chunk);
    g.store(vector::ShapeCastOp::create(g.b, g.loc, quad, held), products,
            {partial, g.toIndex(g.add(g.mul(g.group, spec.chunks()), chunk)), g.toIndex(g.mul(thread, 4))},
            16);
  }
  if (!spec.sums) return;
  // All columns are the same: of each row, the first lane writes the first one.
  Value lane = g.lane(), memory = g.k.kernel.memref(*spec.sums);
  Value row = g.add(g.mul(g.group, kGroupRows),
                    g.add(g.mul(g.div(thread, kWarpThreads), 16), g.div(lane, kRowLanes)));
  g.when(g.equal(g.rem(lane, kRowLanes), 0), [&] {
    for (int64_t half = 0; half < 2; ++half) {
      Value sum = vector::ExtractOp::create(g.b, g.loc, sums.ones, ArrayRef<int64_t>{0, half, 0});
      memref::StoreOp::create(g.b, g.loc, sum, memory, ValueRange{partial, g.toIndex(g.add(row, 8 * half))});
    }
  });
}

} // namespace drawloom::products
