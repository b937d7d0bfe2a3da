#include "passes/products/RowProductKernel.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

using namespace mlir;

namespace drawloom::products {
namespace {

constexpr int64_t kTileAlignment = 1024, kWarpsInGroup = kGroupThreads / kWarpThreads, kChunk = 8;

} // namespace

RowProductKernel::RowProductKernel(const rows::IndexBuilder &k, const RowProductSpec &spec, MapList &maps)
    : spec(spec), g(k) {
  Type element = cast<MemRefType>(k.kernel.memref(spec.a).getType()).getElementType();
  sliceType = g.tileType(kTileRows, kSliceInner, element);
  weightType = weightSlice(g, spec.transposeB, groupColumns(), element);
  placeType = g.tileType(kTileRows, spec.columns, element);
  placesAt = layout.take(spec.cut.rowGroups * placeType.bytes(), kTileAlignment);
  stagesAt = layout.take(spec.cut.stages * stageBytes(), kTileAlignment);
  ring.emplace(layout, spec.cut.stages);
  aMap = mapOfRows(g, spec.a, sliceType, maps);
  bMap = mapOfRows(g, spec.b, weightType, maps);
  int64_t blockRows = rowsOfBlock(spec.rows, spec.cut);
  firstRow = g.mul(g.toI32(k.kernel.begin()), blockRows);
  Value rows = g.min(g.i32(blockRows), g.sub(g.i32(spec.rows), firstRow));
  turns = g.div(g.add(rows, spec.cut.tileRows() - 1), spec.cut.tileRows());
  rowGroup = g.div(g.group, spec.cut.columnGroups);
  columnGroup = g.rem(g.group, spec.cut.columnGroups);
  place = g.add(g.mul(rowGroup, placeType.bytes()), placesAt);
}

void RowProductKernel::build(rows::TeamEmitter &emitter) {
  setUp();
  g.when(
      g.equal(g.group, spec.cut.groups()),
      [&] {
        dgpu::SetMaxRegistersOp::create(g.b, g.loc, kProducerRegisters, false);
        g.when(g.equal(g.thread, spec.cut.groups() * kGroupThreads), [&] { bringSlices(); });
      },
      [&] {
        dgpu::SetMaxRegistersOp::create(g.b, g.loc, consumerRegisters(spec.cut.groups()), true);
        consume(emitter);
      });
}

void RowProductKernel::setUp() const {
  g.when(g.equal(g.thread, 0), [&] {
    ring->init(g, 1, spec.cut.groups() * kWarpsInGroup);
    dgpu::MBarrierFenceOp::create(g.b, g.loc);
  });
  gpu::BarrierOp::create(g.b, g.loc);
}

Ring::Slot RowProductKernel::slotOf(Value turn, int64_t slice) const {
  return ring->slot(g, g.add(g.mul(turn, slices()), slice));
}

Value RowProductKernel::aSlice(const Ring::Slot &slot, Value rowGroup) const {
  Value own = g.mul(rowGroup, sliceType.bytes());
  return g.tile(sliceType, g.add(g.add(g.mul(slot.number, stageBytes()), own), stagesAt));
}

Value RowProductKernel::bSlice(const Ring::Slot &slot, Value columnGroup) const {
  int64_t at = stagesAt + spec.cut.rowGroups * sliceType.bytes();
  Value own = g.mul(columnGroup, weightType.bytes());
  return g.tile(weightType, g.add(g.add(g.mul(slot.number, stageBytes()), own), at));
}

/// Of the threads of all groups that share the rows.
void RowProductKernel::placeBarrier() const {
  for (int64_t number = 0; number < spec.cut.rowGroups; ++number)
    g.when(g.equal(rowGroup, number), [&] {
      dgpu::NamedBarrierOp::create(g.b, g.loc, number + 1, spec.cut.columnGroups * kGroupThreads,
                                   /*arrive=*/false);
    });
}

Value RowProductKernel::firstRowOf(Value turn) const {
  return g.add(firstRow, g.mul(turn, spec.cut.tileRows()));
}

/// By one thread. Rows of a that do not exist are zeros.
void RowProductKernel::bringSlices() const {
  g.loop(g.i32(0), turns, 1, {}, [&](Value turn, ValueRange) {
    for (int64_t slice = 0; slice < slices(); ++slice) {
      Ring::Slot slot = slotOf(turn, slice);
      ring->waitEmpty(g, slot);
      Value full = ring->fullBarrier(g, slot);
      dgpu::MBarrierArriveOp::create(g.b, g.loc, full, g.i32(stageBytes()));
      for (int64_t group = 0; group < spec.cut.rowGroups; ++group) {
        Value row = g.add(firstRowOf(turn), group * kTileRows);
        dgpu::TmaLoadOp::create(g.b, g.loc, aSlice(slot, g.i32(group)), aMap,
                                ValueRange{g.i32(slice * kSliceInner), row}, full);
      }
      for (int64_t group = 0; group < spec.cut.columnGroups; ++group) {
        auto weights = cast<TypedValue<dgpu::TileType>>(bSlice(slot, g.i32(group)));
        loadWeights(g, weights, bMap, spec.transposeB, slice, g.i32(group * groupColumns()), full);
      }
    }
    return SmallVector<Value>();
  });
}

void RowProductKernel::consume(rows::TeamEmitter &emitter) {
  // Warps follow one another as their rows do.
  int64_t warpRows = kTileRows / (spec.cut.columnGroups * kWarpsInGroup);
  Value ownRow = g.mul(g.warp(), warpRows);
  auto firstOfWarp = [&](Value turn) { return g.toIndex(g.add(firstRowOf(turn), ownRow)); };
  bool isWhole = spec.rows % spec.cut.tileRows() == 0;
  SmallVector<Value> start = emitter.startTiles(g.b, g.loc, warpRows, firstOfWarp(g.i32(0)));
  SmallVector<Value> end = g.loop(g.i32(0), turns, 1, start, [&](Value turn, ValueRange carried) {
    Value product = multiply(turn);
    placeBarrier(); // all rows of the last tile have been read
    stage(product);
    placeBarrier();
    firstOfTile = g.toIndex(g.add(firstRowOf(turn), g.mul(rowGroup, kTileRows)));
    return emitter.emitTile(g.b, firstOfWarp(turn), firstOfWarp(g.add(turn, 1)), isWhole, carried);
  });
  // The places are free then.
  emitter.finishTiles(g.b, g.k.kernel.begin(), end, [&](rows::GpuBlock block) {
    dgpu::NamedBarrierOp::create(block.b, block.loc, 1, spec.cut.groups() * kGroupThreads, /*arrive=*/false);
  });
}

/// The products of a tile; those of a slice start before those of the slice before are finished.
Value RowProductKernel::multiply(Value turn) const {
  Value sum;
  std::optional<Ring::Slot> before;
  for (int64_t slice = 0; slice < slices(); ++slice) {
    Ring::Slot slot = slotOf(turn, slice);
    ring->waitFull(g, slot);
    auto b = cast<TypedValue<dgpu::TileType>>(bSlice(slot, columnGroup));
    sum = dgpu::WgmmaOp::create(g.b, g.loc, g.accumulator(groupColumns()), aSlice(slot, rowGroup), b, sum,
                                /*transpose_a=*/false, spec.transposeB);
    if (before) {
      sum = dgpu::WgmmaWaitOp::create(g.b, g.loc, sum, 1).getResult(0);
      ring->release(g, *before);
    }
    before = slot;
  }
  sum = dgpu::WgmmaWaitOp::create(g.b, g.loc, sum, 0).getResult(0);
  ring->release(g, *before);
  return sum;
}

/// Writes the group's columns of the product to the place, as the product's type has them.
void RowProductKernel::stage(Value product) const {
  Type element = placeType.getElementType();
  dgpu::TileType panel = g.tileType(kTileRows, placeType.panelColumns(), element);
  int64_t chunks = panel.getColumns() / kChunk, panels = placeType.panels() / spec.cut.columnGroups;
  rows::Math math{g.b, g.loc, rows::Machine::Gpu};
  Value own = g.add(place, g.mul(columnGroup, panels * placeType.panelBytes()));
  for (int64_t number = 0; number < panels; ++number) {
    SmallVector<int64_t> from{number * chunks, 0, 0}, extents{chunks, 2, 2}, ones{1, 1, 1};
    Value part = vector::ExtractStridedSliceOp::create(g.b, g.loc, product, from, extents, ones);
    Value at = g.tile(panel, g.add(own, number * placeType.panelBytes()));
    dgpu::StoreFragmentOp::create(g.b, g.loc, math.narrowed(part, element), at);
  }
}

Value RowProductKernel::loadProduct(const rows::TileContext &at) const {
  OpBuilder::InsertionGuard guard(g.b);
  g.b.setInsertionPoint(at.b.getInsertionBlock(), at.b.getInsertionPoint());
  Value row = g.toI32(arith::SubIOp::create(g.b, at.loc, at.row, firstOfTile));
  Value column = g.toI32(at.column);
  Value element = chunkIndex(g, placeType, row, g.div(column, kChunk));
  if (at.lanes < kChunk) element = g.add(element, g.rem(column, kChunk));
  Value memory = g.array(kTileRows * spec.columns, placeType.getElementType(), place);
  int64_t alignment = at.lanes * 2;
  return at.math().widened(g.load(memory, g.toIndex(element), at.lanes, alignment));
}

} // namespace drawloom::products
