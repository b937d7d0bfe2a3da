#include "passes/tiles/AffineVectors.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace drawloom::tiles {

int64_t magnitude(AffineExpr expr, int64_t bound) {
  constexpr int64_t huge = int64_t(1) << 60;
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return std::abs(constant.getValue());
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return bound;
  int64_t x = magnitude(binary.getLHS(), bound), y = magnitude(binary.getRHS(), bound);
  if (binary.getKind() == AffineExprKind::Mul)
    return x != 0 && y > huge / x ? huge : x * y;
  return std::min(huge, x + y); // covers a quotient and a remainder, and the multiple that a remainder subtracts
}

Value toVector(const Emitter &e, Value value, Type element, int64_t lanes) {
  if (isa<VectorType>(value.getType()))
    return value;
  return e.splat(arith::IndexCastOp::create(e.b, e.loc, element, value), lanes);
}

namespace {

/// floor(x / d) for a vector x and a constant d > 0.
Value floorDiv(const Emitter &e, Value x, int64_t d) {
  auto type = cast<VectorType>(x.getType());
  auto constant = [&](int64_t value) -> Value {
    Attribute element = IntegerAttr::get(type.getElementType(), value);
    return arith::ConstantOp::create(e.b, e.loc, DenseElementsAttr::get(type, element));
  };
  if (llvm::isPowerOf2_64(d))
    return arith::ShRSIOp::create(e.b, e.loc, x, constant(llvm::Log2_64(d)));
  Value quotient = arith::DivSIOp::create(e.b, e.loc, x, constant(d));
  Value product = arith::MulIOp::create(e.b, e.loc, quotient, constant(d));
  Value isAbove = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::sgt, product, x); // rounded up: x < 0
  return arith::SelectOp::create(e.b, e.loc, isAbove, arith::SubIOp::create(e.b, e.loc, quotient, constant(1)), quotient);
}

} // namespace

Value evaluate(const Emitter &e, AffineExpr expr, ArrayRef<Value> dims) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return dims[dim.getPosition()];
  bool hasVector = false;
  expr.walk([&](AffineExpr part) {
    if (auto dim = dyn_cast<AffineDimExpr>(part))
      hasVector |= isa<VectorType>(dims[dim.getPosition()].getType());
  });
  if (!hasVector) {
    // Unused dimensions of vector type must not become operands.
    SmallVector<Value> operands;
    SmallVector<AffineExpr> replacements(dims.size(), e.b.getAffineConstantExpr(0));
    for (size_t i = 0; i < dims.size(); ++i)
      if (!isa<VectorType>(dims[i].getType())) {
        replacements[i] = e.b.getAffineDimExpr(operands.size());
        operands.push_back(dims[i]);
      }
    auto map = AffineMap::get(operands.size(), 0, expr.replaceDims(replacements));
    return affine::AffineApplyOp::create(e.b, e.loc, map, operands);
  }
  auto binary = cast<AffineBinaryOpExpr>(expr);
  Value x = evaluate(e, binary.getLHS(), dims), y;
  if (binary.getKind() == AffineExprKind::FloorDiv || binary.getKind() == AffineExprKind::Mod ||
      binary.getKind() == AffineExprKind::CeilDiv) {
    int64_t d = cast<AffineConstantExpr>(binary.getRHS()).getValue();
    auto type = cast<VectorType>(x.getType());
    auto constant = [&](int64_t value) {
      return toVector(e, e.index(value), type.getElementType(), type.getNumElements());
    };
    if (binary.getKind() == AffineExprKind::CeilDiv)
      return floorDiv(e, arith::AddIOp::create(e.b, e.loc, x, constant(d - 1)), d);
    Value quotient = floorDiv(e, x, d);
    if (binary.getKind() == AffineExprKind::FloorDiv)
      return quotient;
    Value product = arith::MulIOp::create(e.b, e.loc, quotient, constant(d));
    return arith::SubIOp::create(e.b, e.loc, x, product);
  }
  y = evaluate(e, binary.getRHS(), dims);
  auto type = cast<VectorType>(isa<VectorType>(x.getType()) ? x.getType() : y.getType());
  x = toVector(e, x, type.getElementType(), type.getNumElements());
  y = toVector(e, y, type.getElementType(), type.getNumElements());
  if (binary.getKind() == AffineExprKind::Add)
    return arith::AddIOp::create(e.b, e.loc, x, y);
  return arith::MulIOp::create(e.b, e.loc, x, y);
}

} // namespace drawloom::tiles
