#include "codegen/nvptx/Passes.h"
#include "passes/rows/VectorMath.h"

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_EXPANDMATH
#include "codegen/nvptx/Passes.h.inc"

namespace {

using Expansion = Value (*)(OpBuilder &, Location, Value);

Value rsqrt(OpBuilder &b, Location loc, Value x) {
  Value root = math::SqrtOp::create(b, loc, x);
  return arith::DivFOp::create(b, loc, vecmath::constant(b, loc, x.getType(), 1.0), root);
}

Expansion expansionOf(Operation *op) {
  return TypeSwitch<Operation *, Expansion>(op)
      .Case([](math::ExpOp) { return &vecmath::exp; })
      .Case([](math::LogOp) { return &vecmath::log; })
      .Case([](math::Log2Op) { return &vecmath::log2; })
      .Case([](math::RsqrtOp) { return &rsqrt; })
      .Case([](math::Exp2Op exp2) -> Expansion {
        bool approximate = arith::bitEnumContainsAny(exp2.getFastmath(), arith::FastMathFlags::afn);
        return approximate ? nullptr : &vecmath::exp2;
      })
      .Default([](Operation *) -> Expansion { return nullptr; });
}

/// Replaces `op` by `expansion` in f32, whatever the type of its operand.
void expand(Operation *op, Expansion expansion) {
  OpBuilder b(op);
  Location loc = op->getLoc();
  Value x = op->getOperand(0);
  Type type = x.getType();
  bool narrow = getElementTypeOrSelf(type).getIntOrFloatBitWidth() < 32;
  if (narrow) {
    Type wide = b.getF32Type();
    if (auto vector = dyn_cast<VectorType>(type)) wide = vector.clone(wide);
    x = arith::ExtFOp::create(b, loc, wide, x);
  }
  Value result = expansion(b, loc, x);
  if (narrow) result = arith::TruncFOp::create(b, loc, type, result);
  op->getResult(0).replaceAllUsesWith(result);
  op->erase();
}

struct ExpandMath : impl::ExpandMathBase<ExpandMath> {
  void runOnOperation() override {
    getOperation()->walk([](Operation *op) {
      Expansion expansion = expansionOf(op);
      if (expansion && getElementTypeOrSelf(op->getOperand(0)).getIntOrFloatBitWidth() <= 32)
        expand(op, expansion);
    });
  }
};

} // namespace
} // namespace drawloom
