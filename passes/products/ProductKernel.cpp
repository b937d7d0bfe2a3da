#include "passes/products/ProductKernel.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "passes/products/ProductTiles.h"

using namespace mlir;

namespace drawloom::products {
namespace {

constexpr int64_t kTileAlignment = 1024, kWarpsInGroup = kGroupThreads / kWarpThreads, kRowLanes = 4;

} // namespace

ProductKernel::ProductKernel(const rows::IndexBuilder &k, const ProductSpec &spec, FragmentRows &rows,
                             MapList &maps)
    : spec(spec), shape(spec.shape), cut(spec.cut), rows(rows), g(k) {
  Type element = cast<MemRefType>(k.kernel.memref(spec.a).getType()).getElementType();
  sliceType = g.tileType(kTileRows, kSliceInner, element);
  weightType = weightSlice(g, shape.transposeB, cut.columns, element);
  placeType = g.tileType(kTileRows, cut.columns, element);
  panelType = g.tileType(kTileRows, placeType.panelColumns(), element);
  weightsAt = layout.take(slices(shape) * weightType.bytes(), kTileAlignment);
  placesAt = layout.take(cut.groups * places(shape) * placeType.bytes(), kTileAlignment);
  slicesAt = layout.take(cut.stages * sliceType.bytes(), kTileAlignment);
  weightBarrier = layout.take(8, 8);
  turnsAt = layout.take(8 * cut.groups, 8);
  sliceRing.emplace(layout, cut.stages);
  if (spec.input) inputRing.emplace(layout, cut.groups);
  aMap = mapOfRows(g, spec.a, sliceType, maps);
  bMap = mapOfRows(g, spec.b, weightType, maps);
  if (spec.input) inputMap = mapOfRows(g, *spec.input, placeType, maps);
  for (unsigned output : spec.outputs) outputMaps.push_back(mapOfRows(g, output, placeType, maps));
  Value block = g.toI32(k.kernel.begin());
  int64_t columnTiles = cut.columnTiles(shape), rowBlocks = cut.rowBlocks(shape);
  firstColumn = g.mul(columnTiles == 1 ? g.i32(0) : g.rem(block, columnTiles), cut.columns);
  firstTile = g.div(block, columnTiles);
  // Tiles first, first + rowBlocks, ... below rowTiles.
  turns = g.div(g.sub(g.i32(rowTiles(shape) + rowBlocks - 1), firstTile), rowBlocks);
}

void ProductKernel::build() {
  setUp();
  g.when(
      g.equal(g.group, cut.groups),
      [&] {
        dgpu::SetMaxRegistersOp::create(g.b, g.loc, kProducerRegisters, false);
        g.when(g.equal(g.thread, cut.groups * kGroupThreads), [&] { bringProducts(); });
        if (spec.input)
          g.when(g.equal(g.thread, cut.groups * kGroupThreads + kWarpThreads), [&] { bringInputs(); });
      },
      [&] {
        dgpu::SetMaxRegistersOp::create(g.b, g.loc, consumerRegisters(cut.groups), true);
        consume();
      });
}

void ProductKernel::setUp() const {
  g.when(g.equal(g.thread, 0), [&] {
    dgpu::MBarrierInitOp::create(g.b, g.loc, g.i32(weightBarrier), g.i32(1));
    sliceRing->init(g, 1, kWarpsInGroup);
    if (inputRing) inputRing->init(g, 1, 1);
    for (int64_t group = 0; group < cut.groups; ++group)
      dgpu::MBarrierInitOp::create(g.b, g.loc, g.i32(turnsAt + 8 * group), g.i32(1));
    dgpu::MBarrierArriveOp::create(g.b, g.loc, g.i32(turnsAt), Value()); // nobody comes before the first
    dgpu::MBarrierFenceOp::create(g.b, g.loc);
  });
  gpu::BarrierOp::create(g.b, g.loc);
}

/// The block's turns `first`, `first` + `step`, ...
SmallVector<Value>
ProductKernel::forEachTurn(Value first, int64_t step, ValueRange inits,
                           llvm::function_ref<SmallVector<Value>(const Turn &, ValueRange)> body) const {
  return g.loop(first, turns, step, inits, [&](Value number, ValueRange carried) {
    Value tile = g.add(firstTile, g.mul(number, cut.rowBlocks(shape)));
    return body({number, g.mul(tile, kTileRows)}, carried);
  });
}

Ring::Slot ProductKernel::sliceSlot(const Turn &turn, int64_t slice) const {
  return sliceRing->slot(g, g.add(g.mul(turn.number, slices(shape)), slice));
}

Value ProductKernel::placeAt(Value group, int64_t place) const {
  return g.add(g.mul(group, places(shape) * placeType.bytes()), placesAt + place * placeType.bytes());
}

TypedValue<dgpu::TileType> ProductKernel::panelAt(Value place, int64_t number, int64_t panel) const {
  return g.tile(panelType, g.add(place, number * placeType.bytes() + panel * placeType.panelBytes()));
}

TypedValue<dgpu::TileType> ProductKernel::weights(int64_t slice) const {
  return g.tile(weightType, g.i32(weightsAt + slice * weightType.bytes()));
}

/// A barrier of the thread's warp group; each group has its own.
void ProductKernel::groupBarrier() const {
  for (int64_t group = 0; group < cut.groups; ++group)
    g.when(g.equal(g.group, group),
           [&] { dgpu::NamedBarrierOp::create(g.b, g.loc, group + 1, kGroupThreads, false); });
}

void ProductKernel::consume() {
  SmallVector<Value> zeros(spec.sums.size(), g.splat(sumType(), 0));
  dgpu::MBarrierWaitOp::create(g.b, g.loc, g.i32(weightBarrier), g.i32(0));
  SmallVector<Value> sums =
      forEachTurn(g.group, cut.groups, zeros, [&](const Turn &turn, ValueRange carried) {
        Value product = multiply(turn);
        return finish(turn, product, carried);
      });
  // Shared memory stays until all copies have read it.
  if (!spec.outputs.empty())
    g.when(g.equal(g.threadInGroup(), 0), [&] { dgpu::BulkWaitOp::create(g.b, g.loc, 0, /*read=*/true); });
  storeSums(sums);
}

void ProductKernel::takeTurn(const Turn &turn) const {
  auto slot = dgpu::RingSlotOp::create(g.b, g.loc, turn.number, cut.groups);
  dgpu::MBarrierWaitOp::create(g.b, g.loc, g.add(g.mul(slot.getSlot(), 8), turnsAt), slot.getParity());
}

void ProductKernel::passTurn(const Turn &turn) const {
  auto slot = dgpu::RingSlotOp::create(g.b, g.loc, g.add(turn.number, 1), cut.groups);
  g.when(g.equal(g.threadInGroup(), 0), [&] {
    dgpu::MBarrierArriveOp::create(g.b, g.loc, g.add(g.mul(slot.getSlot(), 8), turnsAt), Value());
  });
}

/// The products of a tile; those of a slice start before those of the slice before are finished.
Value ProductKernel::multiply(const Turn &turn) const {
  Value sum;
  std::optional<Ring::Slot> before;
  takeTurn(turn);
  for (int64_t slice = 0; slice < slices(shape); ++slice) {
    Ring::Slot slot = sliceSlot(turn, slice);
    sliceRing->waitFull(g, slot);
    auto a = g.tile(sliceType, g.add(g.mul(slot.number, sliceType.bytes()), slicesAt));
    sum = dgpu::WgmmaOp::create(g.b, g.loc, g.accumulator(cut.columns), a, weights(slice), sum,
                                /*transpose_a=*/false, shape.transposeB);
    if (before) {
      sum = dgpu::WgmmaWaitOp::create(g.b, g.loc, sum, 1).getResult(0);
      sliceRing->release(g, *before);
    }
    before = slot;
  }
  passTurn(turn);
  sum = dgpu::WgmmaWaitOp::create(g.b, g.loc, sum, 0).getResult(0);
  sliceRing->release(g, *before);
  return sum;
}

/// Takes the product through the row ops and writes what comes out; gives the sums with this tile.
SmallVector<Value> ProductKernel::finish(const Turn &turn, Value product, ValueRange sums) {
  Value place = placeAt(g.group, 0);
  if (spec.input) {
    // It comes when the outputs before are gone.
    inputRing->waitFull(g, inputRing->slot(g, turn.number));
  } else if (!spec.outputs.empty()) {
    g.when(g.equal(g.threadInGroup(), 0), [&] { dgpu::BulkWaitOp::create(g.b, g.loc, 0, /*read=*/true); });
    groupBarrier();
  }
  SmallVector<Value> next(sums);
  std::optional<HeadSums> delta;
  if (spec.delta) delta.emplace(g, cut.columns, shape.head, g.k.kernel.memref(*spec.delta));
  for (int64_t panel = 0; panel < placeType.panels(); ++panel)
    next = finishPanel(turn, panel, place, product, next, delta ? &*delta : nullptr);
  storeOutputs(turn, place);
  if (delta) delta->store(firstRowOfThread(turn), firstColumn);
  return next;
}

/// The first of the two rows whose columns the thread has; the other one comes eight rows later.
Value ProductKernel::firstRowOfThread(const Turn &turn) const {
  Value ofWarp = g.mul(g.div(g.threadInGroup(), kWarpThreads), 16);
  return g.add(turn.firstRow, g.add(ofWarp, g.div(g.lane(), kRowLanes)));
}

SmallVector<Value> ProductKernel::finishPanel(const Turn &turn, int64_t panel, Value place, Value product,
                                              ValueRange sums, HeadSums *delta) {
  int64_t columns = panelType.getColumns(), chunks = columns / 8;
  Type element = panelType.getElementType();
  auto pairType = g.vector({2}, g.b.getF32Type());
  auto fragment = g.vector({chunks, 2, 2}, element);
  Value input = spec.input
                    ? dgpu::LoadFragmentOp::create(g.b, g.loc, fragment, panelAt(place, 0, panel)).getResult()
                    : Value();
  SmallVector<rows::Node *> outputs, summed;
  for (Value value : spec.outputValues) outputs.push_back(rows.node(value));
  for (Value value : spec.sumValues) summed.push_back(rows.node(value));
  SmallVector<Value> results(outputs.size(),
                             arith::ConstantOp::create(g.b, g.loc, g.b.getZeroAttr(fragment))),
      next(sums);
  rows::Math math{g.b, g.loc, rows::Machine::Gpu};
  Value firstRow = firstRowOfThread(turn);
  Value column = g.add(firstColumn, g.mul(g.rem(g.lane(), kRowLanes), 2));
  for (int64_t chunk = 0; chunk < chunks; ++chunk)
    for (int64_t half = 0; half < 2; ++half) {
      int64_t number = panel * chunks + chunk; // of eight columns in the tile
      Value row = g.add(firstRow, 8 * half);
      Pair pair{g.toIndex(row), g.toIndex(g.add(column, 8 * number)),
                vector::ExtractOp::create(g.b, g.loc, product, ArrayRef<int64_t>{number, half}), Value()};
      if (input) pair.input = vector::ExtractOp::create(g.b, g.loc, input, ArrayRef<int64_t>{chunk, half});
      FragmentRows::Known known;
      for (auto [node, result] : llvm::zip_equal(outputs, results)) {
        Value value = math.narrowed(rows.evaluate(g, node, pair, known), element);
        result = vector::InsertOp::create(g.b, g.loc, value, result, ArrayRef<int64_t>{chunk, half});
      }
      for (auto [node, sum] : llvm::zip_equal(summed, next)) {
        Value value = rows.evaluate(g, node, pair, known);
        // Rows that do not exist are products of zeros, but need not be zeros any more.
        if (shape.rows % kTileRows)
          value = g.select(g.less(row, g.i32(shape.rows)), value, g.splat(pairType, 0));
        Value old = vector::ExtractOp::create(g.b, g.loc, sum, ArrayRef<int64_t>{number});
        sum = vector::InsertOp::create(g.b, g.loc, math.add(old, value), sum, ArrayRef<int64_t>{number});
      }
      if (delta) {
        auto factor = [&](int k) { return rows.evaluate(g, rows.node(spec.deltaFactors[k]), pair, known); };
        delta->add(number, half, factor(0), factor(1));
      }
    }
  // Each warp has read its own rows of what stood there.
  for (auto [number, result] : llvm::enumerate(results))
    dgpu::StoreFragmentOp::create(g.b, g.loc, result, panelAt(place, number, panel));
  return next;
}

/// Writes the group's outputs from shared memory and, if inputs come there too, gives the place back.
void ProductKernel::storeOutputs(const Turn &turn, Value place) const {
  if (spec.outputs.empty() && !spec.input) return;
  // Bulk copies come next to where threads have read and written.
  dgpu::FenceAsyncSharedOp::create(g.b, g.loc);
  groupBarrier();
  g.when(g.equal(g.threadInGroup(), 0), [&] {
    for (auto [number, map] : llvm::enumerate(outputMaps))
      dgpu::TmaStoreOp::create(g.b, g.loc, g.tile(placeType, g.add(place, number * placeType.bytes())), map,
                               ValueRange{firstColumn, turn.firstRow});
    if (!outputMaps.empty()) dgpu::BulkCommitOp::create(g.b, g.loc);
    if (!spec.input) return;
    if (!outputMaps.empty()) dgpu::BulkWaitOp::create(g.b, g.loc, 0, /*read=*/true);
    Ring::Slot slot = inputRing->slot(g, turn.number);
    dgpu::MBarrierArriveOp::create(g.b, g.loc, inputRing->emptyBarrier(g, slot), Value());
  });
}

/// A warp adds up what its lanes have of a column, and writes its row of partial sums.
void ProductKernel::storeSums(ValueRange sums) const {
  Value row = g.toIndex(g.add(g.mul(firstTile, cut.groups * kWarpsInGroup), g.warp()));
  Value lane = g.lane(), isFirst = g.less(lane, g.i32(kRowLanes));
  for (auto [number, sum] : llvm::zip_equal(spec.sums, sums)) {
    SmallVector<Value> elements(vector::ToElementsOp::create(g.b, g.loc, sum).getResults());
    for (Value &element : elements)
      for (int32_t distance : {4, 8, 16}) {
        auto other = gpu::ShuffleOp::create(g.b, g.loc, element, distance, int32_t(kWarpThreads),
                                            gpu::ShuffleMode::XOR);
        element = arith::AddFOp::create(g.b, g.loc, element, other.getShuffleResult());
      }
    Value partials = g.k.kernel.memref(number);
    for (int64_t chunk = 0; chunk < cut.columns / 8; ++chunk) {
      Value column = g.add(g.add(firstColumn, g.mul(lane, 2)), 8 * chunk);
      g.when(g.both(isFirst, g.less(column, g.i32(shape.columns))), [&] {
        auto pair = vector::FromElementsOp::create(g.b, g.loc, g.vector({2}, g.b.getF32Type()),
                                                   ValueRange{elements[2 * chunk], elements[2 * chunk + 1]});
        g.store(pair, partials, {row, g.toIndex(column)}, 8);
      });
    }
  }
}

} // namespace drawloom::products
