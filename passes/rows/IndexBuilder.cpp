#include "passes/rows/IndexBuilder.h"

using namespace mlir;

namespace drawloom::rows {

Value IndexBuilder::apply(AffineMap map, ValueRange operands) const {
  return affine::AffineApplyOp::create(b, loc, map, operands);
}

Value IndexBuilder::apply(AffineExpr expr, ValueRange operands) const {
  return apply(AffineMap::get(operands.size(), 0, expr), operands);
}

Value IndexBuilder::min(Value x, Value y) const { return arith::MinSIOp::create(b, loc, x, y); }
Value IndexBuilder::max(Value x, Value y) const { return arith::MaxSIOp::create(b, loc, x, y); }

Value IndexBuilder::maxOf(AffineMap map, ValueRange operands) const {
  return affine::AffineMaxOp::create(b, loc, map, operands);
}
Value IndexBuilder::minOf(AffineMap map, ValueRange operands) const {
  return affine::AffineMinOp::create(b, loc, map, operands);
}

Value IndexBuilder::less(Value x, Value y) const {
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, y);
}

void IndexBuilder::loop(Value from, Value to, int64_t step, llvm::function_ref<void(Value)> body) const {
  auto loop = scf::ForOp::create(b, loc, from, to, index(step));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(loop.getBody()->getTerminator());
  body(loop.getInductionVar());
}

void IndexBuilder::when(Value condition, llvm::function_ref<void()> body) const {
  auto guarded = scf::IfOp::create(b, loc, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(guarded.thenBlock());
  body();
}

void IndexBuilder::forEachItem(ArrayRef<int64_t> extents,
                               llvm::function_ref<void(ArrayRef<Value>)> body) const {
  loop(kernel.begin(), kernel.end(), 1, [&](Value item) {
    SmallVector<Value> coordinates(extents.size());
    int64_t stride = 1;
    for (size_t i = extents.size(); i-- > 0;
         stride *= std::max<int64_t>(1, extents[i])) // without items it never runs
      coordinates[i] = extents[i] <= 1 ? index(0) : apply(dim(0).floorDiv(stride) % extents[i], item);
    body(coordinates);
  });
}

} // namespace drawloom::rows
