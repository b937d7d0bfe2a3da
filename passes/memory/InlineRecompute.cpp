// drawloom-inline-recompute: the second forward and the backward ops become ops of the function.
#include "passes/Passes.h"

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_INLINERECOMPUTE
#include "passes/Passes.h.inc"

namespace {

struct InlineRecompute : impl::InlineRecomputeBase<InlineRecompute> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](RecomputeOp recompute) {
      Block &body = recompute.getBody().front();
      SmallVector<Value> yielded(body.getTerminator()->getOperands());
      rewriter.eraseOp(body.getTerminator());
      SmallVector<Value> inputs(recompute.getInputs());
      for (Value &value : yielded)
        if (auto argument = dyn_cast<BlockArgument>(value); argument && argument.getOwner() == &body)
          value = inputs[argument.getArgNumber()];
      rewriter.inlineBlockBefore(&body, recompute, inputs);
      rewriter.replaceOp(recompute, yielded);
    });
  }
};

} // namespace
} // namespace drawloom
