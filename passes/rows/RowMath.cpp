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

/// Two lanes with one instruction; LLVM would convert them one by one.
static Value narrowPairs(Math m, Value x, Type element) {
  auto vector = cast<VectorType>(x.getType());
  auto pairType = VectorType::get({2}, element);
  StringRef intrinsic = element.isBF16() ? "llvm.nvvm.ff2bf16x2.rn" : "llvm.nvvm.ff2f16x2.rn";
  auto lane = [&](Value from, int64_t number) -> Value {
    return vector::ExtractOp::create(m.b, m.loc, from, ArrayRef<int64_t>{number});
  };
  SmallVector<Value> lanes;
  for (int64_t k = 0; k < vector.getNumElements(); k += 2) {
    SmallVector<Value> highFirst{lane(x, k + 1), lane(x, k)};
    Value pair = LLVM::CallIntrinsicOp::create(m.b, m.loc, pairType, m.b.getStringAttr(intrinsic), highFirst)
                     .getResult(0);
    lanes.append({lane(pair, 0), lane(pair, 1)});
  }
  return vector::FromElementsOp::create(m.b, m.loc, vector.clone(element), lanes);
}

Value Math::narrowed(Value x, Type element) {
  if (!isNarrowFloat(element)) return x;
  auto wide = x.getDefiningOp<arith::ExtFOp>();
  if (wide && getElementTypeOrSelf(wide.getIn()) == element) return wide.getIn();
  auto vector = dyn_cast<VectorType>(x.getType());
  if (machine == Machine::Gpu && vector && vector.getRank() == 1 && vector.getNumElements() % 2 == 0)
    return narrowPairs(*this, x, element);
  return arith::TruncFOp::create(b, loc, withElement(x.getType(), element), x);
}

Value Math::rounded(Value x, Type element) { return widened(narrowed(x, element)); }

} // namespace drawloom::rows
