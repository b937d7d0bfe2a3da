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

/// Whether the back end has instructions for a math op. It ends the process over some that it lacks.
bool hasInstructions(Operation *op) {
  if (op->getName().getDialectNamespace() != math::MathDialect::getDialectNamespace()) return true;
  if (auto exp2 = dyn_cast<math::Exp2Op>(op)) return getElementTypeOrSelf(exp2.getType()).isF32();
  return isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::CopySignOp, math::CountLeadingZerosOp,
             math::CountTrailingZerosOp, math::CtPopOp, math::FloorOp, math::FmaOp, math::RoundEvenOp,
             math::RoundOp, math::SqrtOp, math::TruncOp>(op);
}

struct ExpandMath : impl::ExpandMathBase<ExpandMath> {
  void runOnOperation() override {
    getOperation()->walk([](Operation *op) {
      Expansion expansion = expansionOf(op);
      if (expansion && getElementTypeOrSelf(op->getOperand(0)).getIntOrFloatBitWidth() <= 32)
        expand(op, expansion);
    });
    getOperation()->walk([&](Operation *op) {
      if (hasInstructions(op)) return;
      op->emitOpError() << "has no code on a GPU for " << op->getOperand(0).getType();
      signalPassFailure();
    });
  }
};

} // namespace
} // namespace drawloom
