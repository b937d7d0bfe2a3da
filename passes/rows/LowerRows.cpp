#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "passes/rows/FusionKernel.h"
#include "passes/rows/GpuKernels.h"
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
    if (!llvm::is_contained({"cpu", "sm_90a", "sm_80"}, StringRef(target))) {
      getOperation().emitError() << "target must be cpu, sm_90a or sm_80, got " << target;
      return signalPassFailure();
    }
    rows::LoweringContext context(getOperation(), target == "cpu" ? rows::Machine::Cpu : rows::Machine::Gpu,
                                  lanes);
    wrapLoneOps([](Operation *op) { return !isa<AddOp>(op); });
    if (context.isGpu()) rows::foldAddsIntoSums(getOperation(), context, [](Operation *) { return true; });
    wrapLoneOps([](Operation *) { return true; });
    if (failed(lowerFusions(context)) || failed(lowerAll<EmbedGradOp>(rows::lowerEmbedGrad, context)) ||
        failed(lowerAll<GlobalNormOp>(rows::lowerGlobalNorm, context)) ||
        failed(rows::shareSums(getOperation(), context)))
      return signalPassFailure();
    numLaunches += context.launches;
    numKernels += context.kernels.size();
  }

  /// A row op that stands alone is a fusion of one.
  void wrapLoneOps(function_ref<bool(Operation *)> which) {
    SmallVector<Operation *> lone;
    getOperation().walk([&](Operation *op) {
      if (rows::isRowOp(op) && which(op) && !isa<FusionOp>(op->getParentOp())) lone.push_back(op);
    });
    for (Operation *op : lone) rows::wrapInFusion(op);
  }

  LogicalResult lowerFusions(rows::LoweringContext &context) {
    if (context.isGpu()) return rows::lowerFusionsOnGpu(getOperation(), context);
    return lowerAll<FusionOp>(rows::lowerFusion, context);
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
