// drawloom-inline-segments: forward ops go back into their function.
#include "passes/Passes.h"

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_INLINESEGMENTS
#include "passes/Passes.h.inc"

namespace {

struct InlineSegments : impl::InlineSegmentsBase<InlineSegments> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](SegmentOp segment) {
      Block &body = segment.getBody().front();
      SmallVector<Value> yielded(body.getTerminator()->getOperands());
      rewriter.eraseOp(body.getTerminator());
      SmallVector<Value> inputs(segment.getInputs());
      for (Value &value : yielded)
        if (auto argument = dyn_cast<BlockArgument>(value); argument && argument.getOwner() == &body)
          value = inputs[argument.getArgNumber()];
      rewriter.inlineBlockBefore(&body, segment, inputs);
      rewriter.replaceOp(segment, yielded);
    });
  }
};

} // namespace
} // namespace drawloom
