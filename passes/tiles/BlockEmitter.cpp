#include "passes/tiles/BlockEmitter.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

using namespace mlir;

namespace drawloom::tiles {

int64_t paddedColumns(int64_t columns) { return columns % 8 == 0 ? columns + 4 : columns; }

int64_t partsOf(int64_t threads, int64_t rows, int64_t columns) {
  constexpr int64_t kMost = 32; // all parts are read again by each thread of the column
  for (int64_t parts = std::min({kMost, rows, threads / columns}); parts > 1; --parts)
    if (rows % parts == 0) return parts;
  return 1;
}

int64_t scratchElements(Operation *op, int64_t threads) {
  auto partials = [&](Value matrix) {
    return partsOf(threads, shapeOf(matrix)[0], shapeOf(matrix)[1]) * shapeOf(matrix)[1];
  };
  if (auto step = dyn_cast<TileSoftmaxStepOp>(op)) return 2 * partials(step.getScores()); // maxima and sums
  if (auto dot = dyn_cast<TileDotOp>(op)) return partials(dot.getA());
  return 0;
}

void BlockEmitter::phase(llvm::function_ref<void(Value)> body) const {
  if (context.takesTurns)
    loop(index(0), index(context.threads), 1, body);
  else
    body(context.thread);
}

void BlockEmitter::barrier() const {
  if (!context.takesTurns) gpu::BarrierOp::create(b, loc);
}

Value BlockEmitter::less(Value x, Value y) const {
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, y);
}

Value BlockEmitter::apply(AffineExpr expr, ValueRange operands) const {
  return affine::AffineApplyOp::create(b, loc, AffineMap::get(operands.size(), 0, expr), operands);
}

void BlockEmitter::when(Value condition, llvm::function_ref<void()> body) const {
  auto guarded = scf::IfOp::create(b, loc, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard restore(b);
  b.setInsertionPointToStart(guarded.thenBlock());
  body();
}

void BlockEmitter::forEach(Value thread, int64_t count, llvm::function_ref<void(Value)> body) const {
  int64_t threads = context.threads, trips = count / threads, rest = count % threads;
  auto trip = [&](Value i, int64_t trips) {
    for (int64_t t = 0; t < trips; ++t) body(apply(dim(0) + dim(1) * threads + t * threads, {thread, i}));
  };
  blocks(trips, kUnroll, trip);
  if (rest > 0) when(less(thread, index(rest)), [&] { body(add(thread, trips * threads)); });
}

void BlockEmitter::forEach(Value thread, int64_t rows, int64_t columns,
                           llvm::function_ref<void(Value, Value)> body) const {
  int64_t threads = context.threads;
  if (threads % columns != 0)
    return forEach(thread, rows * columns,
                   [&](Value i) { body(apply(dim(0).floorDiv(columns), i), apply(dim(0) % columns, i)); });
  // A thread stays in its column.
  Value x = apply(dim(0) % columns, thread), first = apply(dim(0).floorDiv(columns), thread);
  int64_t step = threads / columns, trips = rows / step, rest = rows % step;
  blocks(trips, kUnroll, [&](Value i, int64_t trips) {
    for (int64_t t = 0; t < trips; ++t) body(apply(dim(0) + dim(1) * step + t * step, {first, i}), x);
  });
  if (rest > 0) when(less(first, index(rest)), [&] { body(add(first, trips * step), x); });
}

void BlockEmitter::forEachColumn(Value thread, int64_t columns, int64_t parts,
                                 llvm::function_ref<void(Value, Value)> body) const {
  forEach(thread, columns * parts,
          [&](Value i) { body(apply(dim(0) % columns, i), apply(dim(0).floorDiv(columns), i)); });
}

Value BlockEmitter::loadTile(Value tile, ValueRange indices, int64_t lanes) const {
  return vector::LoadOp::create(b, loc, vectorType(lanes), sharedOf(tile), indices, /*nontemporal=*/false,
                                llvm::MaybeAlign(lanes * sizeof(float)));
}

void BlockEmitter::storeTile(Value vector, Value tile, ValueRange indices) const {
  int64_t lanes = cast<VectorType>(vector.getType()).getNumElements();
  vector::StoreOp::create(b, loc, vector, sharedOf(tile), indices, /*nontemporal=*/false,
                          llvm::MaybeAlign(lanes * sizeof(float)));
}

static int64_t bytesOf(Value memory) { return getElementTypeOrSelf(memory).getIntOrFloatBitWidth() / 8; }

Value BlockEmitter::loadMemory(Value memory, ValueRange indices, int64_t lanes) const {
  auto type = VectorType::get({lanes}, getElementTypeOrSelf(memory));
  Value v = vector::LoadOp::create(b, loc, type, memory, indices, /*nontemporal=*/false,
                                   llvm::MaybeAlign(lanes * bytesOf(memory)));
  return type.getElementType().isF32() ? v : arith::ExtFOp::create(b, loc, vectorType(lanes), v).getResult();
}

void BlockEmitter::storeMemory(Value vector, Value memory, ValueRange indices) const {
  int64_t lanes = cast<VectorType>(vector.getType()).getNumElements();
  auto type = VectorType::get({lanes}, getElementTypeOrSelf(memory));
  if (!type.getElementType().isF32()) vector = arith::TruncFOp::create(b, loc, type, vector);
  vector::StoreOp::create(b, loc, vector, memory, indices, /*nontemporal=*/false,
                          llvm::MaybeAlign(lanes * bytesOf(memory)));
}

Value BlockEmitter::element(Value vector, int64_t lane) const {
  return vector::ExtractOp::create(b, loc, vector, ArrayRef<int64_t>{lane});
}

Value BlockEmitter::pack(ArrayRef<Value> scalars) const {
  auto type = VectorType::get({int64_t(scalars.size())}, scalars[0].getType());
  return vector::FromElementsOp::create(b, loc, type, scalars);
}

/// Whether `value` is known to be a multiple of `factor`.
static bool isMultiple(Value value, int64_t factor) {
  if (auto constant = getConstantIntValue(value)) return *constant % factor == 0;
  auto apply = value.getDefiningOp<affine::AffineApplyOp>();
  return apply && apply.getAffineMap().getResult(0).isMultipleOf(factor);
}

int64_t BlockEmitter::lanesOf(Value memory, Value inner, int64_t channels) const {
  auto [strides, offset] = cast<MemRefType>(memory.getType()).getStridesAndOffset();
  for (int64_t lanes = kLanes; lanes > 1; lanes /= 2) {
    bool fits = channels % lanes == 0 && isMultiple(inner, lanes) && strides.back() == 1 &&
                context.alignment.lookup(memory) % (lanes * bytesOf(memory)) == 0;
    for (int64_t stride : ArrayRef<int64_t>(strides).drop_back()) fits &= stride % lanes == 0;
    if (fits) return lanes;
  }
  return 1;
}

} // namespace drawloom::tiles
