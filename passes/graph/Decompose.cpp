// drawloom-decompose: linear becomes matmul and bias_add, or a matmul that adds the bias itself.
#include "passes/Passes.h"

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_DECOMPOSE
#include "passes/Passes.h.inc"

namespace {

struct Decompose : impl::DecomposeBase<Decompose> {
  void runOnOperation() override {
    getOperation().walk([](LinearOp linear) {
      OpBuilder builder(linear);
      Type type = linear.getOut().getType();
      auto label = [&](Operation *op) { op->setDiscardableAttrs(linear->getDiscardableAttrDictionary()); };
      bool epilogue = linear->hasAttr(kEpilogueAttr);
      linear->removeAttr(kEpilogueAttr);
      auto product = MatmulOp::create(builder, linear.getLoc(), type, linear.getX(), linear.getWeight(),
                                      /*init=*/Value(),
                                      /*bias=*/epilogue ? linear.getBias() : Value(),
                                      /*transpose_a=*/false, /*transpose_b=*/true);
      label(product);
      Value out = product.getOut();
      if (Value bias = linear.getBias(); bias && !epilogue) {
        auto sum = BiasAddOp::create(builder, linear.getLoc(), type, out, bias);
        label(sum);
        out = sum.getOut();
      }
      linear.getOut().replaceAllUsesWith(out);
      linear.erase();
    });
  }
};

} // namespace
} // namespace drawloom
