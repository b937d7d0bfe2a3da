// drawloom-verify-graph and drawloom-verify-loops: what may no longer occur when a phase is over.
#include "passes/Names.h"
#include "passes/Passes.h"

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_VERIFYGRAPH
#define GEN_PASS_DEF_VERIFYLOOPS
#include "passes/Passes.h.inc"

namespace {

struct VerifyGraph : impl::VerifyGraphBase<VerifyGraph> {
  void runOnOperation() override {
    getOperation().walk([&](Operation *op) {
      if (!isa<LinearOp, AttentionOp, AttentionGradOp, SegmentOp>(op)) return;
      op->emitOpError() << "is left after the graph phase";
      signalPassFailure();
    });
  }
};

struct VerifyLoops : impl::VerifyLoopsBase<VerifyLoops> {
  void runOnOperation() override {
    for (auto func : getOperation().getOps<func::FuncOp>())
      func.walk([&](Operation *op) {
        if (isa<func::FuncOp, func::ReturnOp, LaunchOp, MatmulOp, SplitOp, ConcatOp, RecomputeOp, YieldOp>(
                op))
          return;
        op->emitOpError() << "is left after the loops phase";
        signalPassFailure();
      });
  }
};

} // namespace
} // namespace drawloom
