// The second launch of a weight's gradient.
#include "passes/products/WeightGradKernel.h"
#include "passes/rows/Chunks.h"

using namespace mlir;

namespace drawloom::products {
namespace {

constexpr int64_t kRowLanes = 4;
/// Partial sums that a thread has on their way at a time.
constexpr int64_t kTogether = 12;

int64_t tileRows(const WeightGradSpec &spec) { return rows::ceilDiv(spec.shape.outputs, spec.cut.outputs()); }

/// Blocks for a tile of dW.
int64_t tileBlocks(const WeightGradSpec &spec) {
  return spec.cut.groups * spec.chunks() * kGroupThreads / WeightGradTotals::kThreads;
}

} // namespace

int64_t WeightGradTotals::blocks(const WeightGradSpec &spec) {
  return spec.cut.tiles(spec.shape) * tileBlocks(spec) + (spec.sums ? tileRows(spec) : 0);
}

void WeightGradTotals::build() const {
  Value block = g.toI32(g.k.kernel.begin());
  if (!spec.sums) return addProducts(block);
  Value ofProducts = g.i32(spec.cut.tiles(spec.shape) * tileBlocks(spec));
  g.when(g.less(block, ofProducts), [&] { addProducts(block); }, [&] { addSums(g.sub(block, ofProducts)); });
}

/// `before` and the partial sums [first, end) in their order; those beyond the end count as zeros.
Value WeightGradTotals::total(Value first, Value end, VectorType type, Value before,
                              llvm::function_ref<Value(Value)> load) const {
  Value zero = g.splat(type, 0), last = g.add(end, -1);
  return g.loop(first, end, kTogether, before, [&](Value from, ValueRange carried) {
    SmallVector<Value> parts;
    for (int64_t k = 0; k < kTogether; ++k) parts.push_back(load(g.min(g.add(from, k), last)));
    Value sum = carried[0];
    for (auto [k, part] : llvm::enumerate(parts)) {
      Value isThere = g.less(g.add(from, int64_t(k)), end);
      sum = arith::AddFOp::create(g.b, g.loc, sum, g.select(isThere, part, zero));
    }
    return SmallVector<Value>{sum};
  })[0];
}

void WeightGradTotals::addProducts(Value block) const {
  int64_t columnTiles = spec.cut.columnTiles(spec.shape), chunks = spec.chunks();
  auto quad = g.vector({4}, g.b.getF32Type());
  Value tile = g.div(block, tileBlocks(spec));
  // Eight columns of a warp group in the first kernel, and a thread there.
  Value eight = g.add(g.mul(g.rem(block, tileBlocks(spec)), kThreads / kGroupThreads), g.group);
  Value thread = g.threadInGroup(), lane = g.lane();
  Value row = g.add(
      g.add(g.mul(g.div(tile, columnTiles), spec.cut.outputs()), g.mul(g.div(eight, chunks), kGroupRows)),
      g.add(g.mul(g.div(thread, kWarpThreads), 16), g.div(lane, kRowLanes)));
  Value column = g.add(g.mul(g.rem(tile, columnTiles), spec.cut.columns),
                       g.add(g.mul(g.rem(eight, chunks), 8), g.mul(g.rem(lane, kRowLanes), 2)));
  Value partials = g.k.kernel.memref(places.products), weights = g.k.kernel.memref(places.weights);
  auto [first, end] = line.partialsOf(tile);
  Value sum = total(first, end, quad, g.splat(quad, 0), [&](Value number) {
    return g.load(partials, {g.toIndex(number), g.toIndex(eight), g.toIndex(g.mul(thread, 4))}, 4, 16);
  });
  for (int64_t half = 0; half < 2; ++half) {
    Value at = g.add(row, 8 * half);
    Value exists = g.both(g.less(at, g.i32(spec.shape.outputs)), g.less(column, g.i32(spec.shape.inputs)));
    g.when(exists, [&] {
      Value own = vector::ExtractStridedSliceOp::create(g.b, g.loc, sum, ArrayRef<int64_t>{2 * half},
                                                        ArrayRef<int64_t>{2}, ArrayRef<int64_t>{1});
      SmallVector<Value> place{g.toIndex(at), g.toIndex(column)};
      if (places.addsToWeights) own = arith::AddFOp::create(g.b, g.loc, g.load(weights, place, 2, 8), own);
      g.store(own, weights, place, 8);
    });
  }
}

/// Columns [tileRow * cut.outputs(), ...) of dY, one a thread.
void WeightGradTotals::addSums(Value tileRow) const {
  int64_t columnTiles = spec.cut.columnTiles(spec.shape);
  auto one = g.vector({1}, g.b.getF32Type());
  Value column = g.add(g.mul(tileRow, spec.cut.outputs()), g.thread);
  Value partials = g.k.kernel.memref(*places.sums), biases = g.k.kernel.memref(*places.biases);
  Value exists =
      g.both(g.less(g.thread, g.i32(spec.cut.outputs())), g.less(column, g.i32(spec.shape.outputs)));
  g.when(exists, [&] {
    Value sum = g.splat(one, 0);
    for (int64_t k = 0; k < columnTiles; ++k) {
      auto [first, end] = line.partialsOf(g.add(g.mul(tileRow, columnTiles), k));
      sum = total(first, end, one, sum, [&](Value number) {
        return g.load(partials, {g.toIndex(number), g.toIndex(g.thread)}, 1, 4);
      });
    }
    Value place = g.toIndex(column);
    if (places.addsToBiases) sum = arith::AddFOp::create(g.b, g.loc, g.load(biases, place, 1, 4), sum);
    g.store(sum, biases, place, 4);
  });
}

} // namespace drawloom::products
