#include "passes/rows/RowMath.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace drawloom::rows {

/// An LLVM intrinsic from f32 to f32, applied to a scalar or to each lane of a vector.
static Value callEachLane(Math m, StringRef intrinsic, Value x) {
  auto call = [&](Value lane) -> Value {
    return LLVM::CallIntrinsicOp::create(m.b, m.loc, m.b.getF32Type(), m.b.getStringAttr(intrinsic), lane)
        .getResult(0);
  };
  auto vector = dyn_cast<VectorType>(x.getType());
  if (!vector) return call(x);
  SmallVector<Value> lanes;
  for (int64_t lane = 0; lane < vector.getNumElements(); ++lane)
    lanes.push_back(call(vector::ExtractOp::create(m.b, m.loc, x, ArrayRef<int64_t>{lane})));
  return vector::FromElementsOp::create(m.b, m.loc, vector, lanes);
}

Value Math::exp(Value x) {
  if (machine == Machine::Cpu) return vecmath::exp(b, loc, x);
  return callEachLane(*this, "llvm.nvvm.ex2.approx.ftz.f", mul(x, constant(x, 1.4426950408889634)));
}

Value Math::sigmoid(Value x) {
  if (machine == Machine::Cpu) return vecmath::sigmoid(b, loc, x);
  Value e = callEachLane(*this, "llvm.nvvm.ex2.approx.ftz.f", mul(x, constant(x, -1.4426950408889634)));
  return callEachLane(*this, "llvm.nvvm.rcp.approx.ftz.f", add(constant(x, 1.0), e));
}

static Type withElement(Type like, Type element) {
  if (auto vector = dyn_cast<VectorType>(like)) return vector.clone(element);
  return element;
}

bool isNarrowFloat(Type element) { return isa<FloatType>(element) && element.getIntOrFloatBitWidth() < 32; }

Value Math::widened(Value x) {
  if (!isNarrowFloat(getElementTypeOrSelf(x))) return x;
  return arith::ExtFOp::create(b, loc, withElement(x.getType(), b.getF32Type()), x);
}

Value Math::narrowed(Value x, Type element) {
  if (!isNarrowFloat(element)) return x;
  return arith::TruncFOp::create(b, loc, withElement(x.getType(), element), x);
}

Value Math::rounded(Value x, Type element) { return widened(narrowed(x, element)); }

} // namespace drawloom::rows
