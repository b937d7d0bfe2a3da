#include "passes/products/RowProductKernel.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

using namespace mlir;

namespace drawloom::products {
namespace {

constexpr int64_t kTileAlignment = 1024, kWarpsInGroup = kGroupThreads / kWarpThreads, kChunk = 8;
/// Of a place: a warp's rows, and bytes of a panel's row.
constexpr int64_t kWarpRows = kTileRows / kWarpsInGroup, kPanelRowBytes = 128;
static_assert(kTileRows == rows::kPieceRows && kWarpRows == rows::kRunRows &&
                  kMostRowColumns == rows::kShortRow,
              "sums over rows have the order of row kernels");

} // namespace

RowProductKernel::RowProductKernel(const rows::IndexBuilder &k, const RowProductSpec &spec, MapList &maps)
    : spec(spec), g(k) {
  Type element = cast<MemRefType>(k.kernel.memref(spec.a).getType()).getElementType();
  sliceType = g.tileType(kTileRows, kSliceInner, element);
  weightType = weightSlice(g, spec.transposeB, spec.cut.passColumns, element);
  placeType = g.tileType(kTileRows, spec.columns, element);
  placesAt = layout.take(spec.cut.groups * placeType.bytes(), kTileAlignment);
  stagesAt = layout.take(spec.cut.stages * stageBytes(), kTileAlignment);
  ring.emplace(layout, spec.cut.stages);
  places.emplace(layout, spec.cut.groups);
  aMap = mapOfRows(g, spec.a, sliceType, maps);
  bMap = mapOfRows(g, spec.b, weightType, maps);
  firstRow = g.mul(g.toI32(k.kernel.begin()), spec.groupRows);
  Value rows = g.min(g.i32(spec.groupRows), g.sub(g.i32(spec.rows), firstRow)); // of the first group
  turns = g.div(g.add(rows, kTileRows - 1), kTileRows);
  place = placeOf(g.group);
}

void RowProductKernel::build(rows::TeamEmitter &emitter) {
  setUp();
  int64_t groups = spec.cut.groups;
  g.when(
      g.less(g.group, g.i32(groups)),
      [&] {
        dgpu::SetMaxRegistersOp::create(g.b, g.loc, rowRegisters(spec.cut), true);
        goThroughRows(emitter);
      },
      [&] {
        g.when(
            g.equal(g.group, groups), [&] { multiplyTiles(); },
            [&] {
              dgpu::SetMaxRegistersOp::create(g.b, g.loc, kProducerRegisters, false);
              g.when(g.equal(g.thread, (groups + 1) * kGroupThreads), [&] { bringSlices(); });
            });
      });
}

void RowProductKernel::setUp() const {
  g.when(g.equal(g.thread, 0), [&] {
    ring->init(g, 1, kWarpsInGroup);
    places->init(g, kWarpsInGroup, kWarpsInGroup);
    dgpu::MBarrierFenceOp::create(g.b, g.loc);
  });
  gpu::BarrierOp::create(g.b, g.loc);
}

Ring::Slot RowProductKernel::slotOf(Value tile, int64_t pass, int64_t slice) const {
  return ring->slot(g, g.add(g.mul(tile, passes() * slices()), pass * slices() + slice));
}

Value RowProductKernel::aSlice(const Ring::Slot &slot) const {
  return g.tile(sliceType, g.add(g.mul(slot.number, stageBytes()), stagesAt));
}

Value RowProductKernel::bSlice(const Ring::Slot &slot) const {
  return g.tile(weightType, g.add(g.mul(slot.number, stageBytes()), stagesAt + sliceType.bytes()));
}

Value RowProductKernel::placeOf(Value group) const {
  return g.add(g.mul(group, placeType.bytes()), placesAt);
}

/// Of the thread's group, one that goes through rows.
void RowProductKernel::groupBarrier() const {
  for (int64_t number = 0; number < spec.cut.groups; ++number)
    g.when(g.equal(g.group, number),
           [&] { dgpu::NamedBarrierOp::create(g.b, g.loc, number + 1, kGroupThreads, /*arrive=*/false); });
}

Value RowProductKernel::firstRowOf(Value turn, Value group) const {
  return g.add(g.add(firstRow, g.mul(group, spec.groupRows)), g.mul(turn, kTileRows));
}

/// By one thread. Rows of a that do not exist are zeros.
void RowProductKernel::bringSlices() const {
  g.loop(g.i32(0), tiles(), 1, {}, [&](Value tile, ValueRange) {
    Value row = firstRowOf(g.div(tile, spec.cut.groups), g.rem(tile, spec.cut.groups));
    for (int64_t pass = 0; pass < passes(); ++pass)
      for (int64_t slice = 0; slice < slices(); ++slice) {
        Ring::Slot slot = slotOf(tile, pass, slice);
        ring->waitEmpty(g, slot);
        Value full = ring->fullBarrier(g, slot);
        dgpu::MBarrierArriveOp::create(g.b, g.loc, full, g.i32(stageBytes()));
        dgpu::TmaLoadOp::create(g.b, g.loc, aSlice(slot), aMap, ValueRange{g.i32(slice * kSliceInner), row},
                                full);
        auto weights = cast<TypedValue<dgpu::TileType>>(bSlice(slot));
        loadWeights(g, weights, bMap, spec.transposeB, slice, g.i32(pass * spec.cut.passColumns), full);
      }
    return SmallVector<Value>();
  });
}

void RowProductKernel::multiplyTiles() const {
  g.loop(g.i32(0), tiles(), 1, {}, [&](Value tile, ValueRange) {
    Ring::Slot slot = places->slot(g, tile);
    for (int64_t pass = 0; pass < passes(); ++pass) {
      Value product = multiply(tile, pass);
      if (pass == 0) places->waitEmpty(g, slot);
      stage(product, pass, placeOf(slot.number));
    }
    // One arrival a warp, when its lanes have written.
    dgpu::WarpSyncOp::create(g.b, g.loc);
    g.when(g.equal(g.lane(), 0),
           [&] { dgpu::MBarrierArriveOp::create(g.b, g.loc, places->fullBarrier(g, slot), Value()); });
    return SmallVector<Value>();
  });
}

/// The products of a tile and some columns; those of a slice start before those of the slice before are
/// finished.
Value RowProductKernel::multiply(Value tile, int64_t pass) const {
  Value sum;
  std::optional<Ring::Slot> before;
  for (int64_t slice = 0; slice < slices(); ++slice) {
    Ring::Slot slot = slotOf(tile, pass, slice);
    ring->waitFull(g, slot);
    auto b = cast<TypedValue<dgpu::TileType>>(bSlice(slot));
    sum = dgpu::WgmmaOp::create(g.b, g.loc, g.accumulator(spec.cut.passColumns), aSlice(slot), b, sum,
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

/// Writes these columns of the product to the place, as the product's type has them.
void RowProductKernel::stage(Value product, int64_t pass, Value place) const {
  Type element = placeType.getElementType();
  dgpu::TileType panel = g.tileType(kTileRows, placeType.panelColumns(), element);
  int64_t chunks = panel.getColumns() / kChunk, panels = spec.cut.passColumns / panel.getColumns();
  rows::Math math{g.b, g.loc, rows::Machine::Gpu};
  for (int64_t number = 0; number < panels; ++number) {
    SmallVector<int64_t> from{number * chunks, 0, 0}, extents{chunks, 2, 2}, ones{1, 1, 1};
    Value part = vector::ExtractStridedSliceOp::create(g.b, g.loc, product, from, extents, ones);
    Value at = g.tile(panel, g.add(place, (pass * panels + number) * placeType.panelBytes()));
    dgpu::StoreFragmentOp::create(g.b, g.loc, math.narrowed(part, element), at);
  }
}

/// Where an entry of a warp's sums begins, in f32 from the start of the warp's rows of the first panel: its
/// rows take 16 * 128 bytes of each panel, and entries lie in one panel after another.
int64_t RowProductKernel::sumOffset(int64_t entry, int64_t columns) const {
  int64_t ofPanel = kWarpRows * kPanelRowBytes, bytes = entry * columns * 4;
  return (bytes / ofPanel * placeType.panelBytes() + bytes % ofPanel) / 4;
}

void RowProductKernel::goThroughRows(rows::TeamEmitter &emitter) {
  Value warp = g.rem(g.warp(), kWarpsInGroup), thread = g.toIndex(g.threadInGroup());
  Value ownRow = g.mul(warp, kWarpRows);
  auto firstOfWarp = [&](Value turn) { return g.toIndex(g.add(firstRowOf(turn, g.group), ownRow)); };
  bool isWhole = spec.rows % (spec.cut.groups * spec.groupRows) == 0, hasSums = emitter.sumsOverRows();
  rows::TeamEmitter::Tiles tiles{kWarpRows, g.toIndex(g.i32(spec.rows)), isWhole};

  // A warp's sums lie where its rows of the product were, which no other warp has read.
  int64_t columns = emitter.entryColumns();
  auto offset = [&](int64_t entry) { return sumOffset(entry, columns); };
  auto sync = [&](rows::GpuBlock) { dgpu::WarpSyncOp::create(g.b, g.loc); };
  auto barrier = [&](rows::GpuBlock) { groupBarrier(); };
  rows::TeamEmitter::RunExchange exchange{kWarpsInGroup,
                                          g.toIndex(warp),
                                          thread,
                                          g.array(placeType.bytes() / 4, g.b.getF32Type(), place),
                                          offset,
                                          kWarpRows * kPanelRowBytes / 4,
                                          emitter.entries(),
                                          sync,
                                          barrier};

  SmallVector<Value> start = emitter.startTiles(g.b, g.loc, tiles, firstOfWarp(g.i32(0)), kWarpsInGroup);
  SmallVector<Value> end = g.loop(g.i32(0), turns, 1, start, [&](Value turn, ValueRange carried) {
    Ring::Slot slot = places->slot(g, g.add(g.mul(turn, spec.cut.groups), g.group));
    places->waitFull(g, slot);
    firstOfTile = g.toIndex(firstRowOf(turn, g.group));
    SmallVector<Value> next = emitter.emitTile(g.b, firstOfWarp(turn), firstOfWarp(g.add(turn, 1)),
                                               hasSums ? &exchange : nullptr, carried);
    places->release(g, slot);
    return next;
  });
  if (!hasSums) return;
  // The last block may have fewer items.
  Value item = arith::AddIOp::create(g.b, g.loc, g.k.kernel.begin(), g.toIndex(g.group));
  Value exists = arith::CmpIOp::create(g.b, g.loc, arith::CmpIPredicate::ult, item, g.k.kernel.end());
  emitter.finishTiles(g.b, item, exists, kWarpsInGroup, thread, end);
}

Value RowProductKernel::loadProduct(const rows::TileContext &at) const {
  OpBuilder::InsertionGuard guard(g.b);
  g.b.setInsertionPoint(at.b.getInsertionBlock(), at.b.getInsertionPoint());
  // Of a tile behind the last row, rows are the last one: what comes of them is not stored, but must be there.
  Value row = g.max(g.toI32(arith::SubIOp::create(g.b, at.loc, at.row, firstOfTile)), g.i32(0));
  Value column = g.toI32(at.column);
  Value element = chunkIndex(g, placeType, row, g.div(column, kChunk));
  if (at.lanes < kChunk) element = g.add(element, g.rem(column, kChunk));
  Value memory = g.array(kTileRows * spec.columns, placeType.getElementType(), place);
  int64_t alignment = at.lanes * 2;
  return at.math().widened(g.load(memory, g.toIndex(element), at.lanes, alignment));
}

} // namespace drawloom::products
