#include "passes/rows/FusionKernel.h"
#include "passes/rows/Passes.h"

using namespace mlir;

namespace drawloom {

#define GEN_PASS_DEF_LOWERROWS
#include "passes/rows/Passes.h.inc"

namespace {

struct LowerRowsPass : impl::LowerRowsBase<LowerRowsPass> {
  using LowerRowsBase::LowerRowsBase;

  void runOnOperation() override {
    if (!llvm::isPowerOf2_64(lanes) || lanes < 4 || lanes > 64) {
      getOperation().emitError() << "lanes must be a power of two from 4 to 64, got " << int64_t(lanes);
      return signalPassFailure();
    }
    wrapLoneOps();
    rows::LoweringContext context(getOperation(), lanes);
    if (failed(lowerAll<FusionOp>(rows::lowerFusion, context)) ||
        failed(lowerAll<EmbedGradOp>(rows::lowerEmbedGrad, context)) ||
        failed(lowerAll<GlobalNormOp>(rows::lowerGlobalNorm, context)))
      return signalPassFailure();
    numLaunches += context.launches;
    numKernels += context.kernels.size();
  }

  /// A row op that stands alone is a fusion of one.
  void wrapLoneOps() {
    SmallVector<Operation *> lone;
    getOperation().walk([&](Operation *op) {
      if (rows::isRowOp(op) && !isa<FusionOp>(op->getParentOp())) lone.push_back(op);
    });
    for (Operation *op : lone) rows::wrapInFusion(op);
  }

  template <class Op>
  LogicalResult lowerAll(LogicalResult (*lower)(Op, rows::LoweringContext &),
                         rows::LoweringContext &context) {
    SmallVector<Op> ops;
    getOperation().walk([&](Op op) { ops.push_back(op); });
    for (Op op : ops)
      if (failed(lower(op, context))) return failure();
    return success();
  }
};

} // namespace
} // namespace drawloom
