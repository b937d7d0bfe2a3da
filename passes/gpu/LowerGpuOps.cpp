// The pass from target-level ops to inline PTX.
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "passes/gpu/AsmBuilder.h"
#include "passes/gpu/Passes.h"

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_LOWERGPUOPS
#include "passes/gpu/Passes.h.inc"

namespace {

bool isOurs(Operation *op) {
  return op->getDialect() &&
         op->getDialect()->getNamespace() == dgpu::DrawloomGpuDialect::getDialectNamespace();
}

/// Dynamic shared memory is one external array without an extent; its size is given at launch.
void declareSharedMemory(ModuleOp module) {
  if (module.lookupSymbol(kDynamicSharedSymbol)) return;
  OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
  auto bytes = LLVM::LLVMArrayType::get(b.getI8Type(), 0);
  LLVM::GlobalOp::create(b, module.getLoc(), bytes, /*isConstant=*/false, LLVM::Linkage::External,
                         kDynamicSharedSymbol, Attribute(),
                         /*alignment=*/1024, /*addrSpace=*/3);
}

struct LowerGpuOps : impl::LowerGpuOpsBase<LowerGpuOps> {
  using Base::Base;

  void runOnOperation() override {
    if (target != "sm_90a" && target != "sm_80") {
      getOperation()->emitError("expected target to be sm_90a or sm_80, got '") << target << "'";
      return signalPassFailure();
    }
    bool isHopper = target == "sm_90a";
    RewritePatternSet patterns(&getContext());
    dgpu::populateProducts(patterns);
    dgpu::populateFragments(patterns, isHopper);
    dgpu::populateCopies(patterns);
    dgpu::populateBarriers(patterns, isHopper);
    dgpu::populateWords(patterns);
    FrozenRewritePatternSet frozen(std::move(patterns));
    getOperation()->walk([&](func::FuncOp function) {
      bool uses = function
                      .walk([](Operation *op) {
                        return isOurs(op) ? WalkResult::interrupt() : WalkResult::advance();
                      })
                      .wasInterrupted();
      if (!uses) return;
      declareSharedMemory(function->getParentOfType<ModuleOp>());
      if (failed(applyPatternsGreedily(function, frozen)) || failed(checkNoneLeft(function)))
        signalPassFailure();
    });
  }

private:
  /// What is left uses a tile whose place is not known here.
  static LogicalResult checkNoneLeft(func::FuncOp function) {
    LogicalResult result = success();
    function.walk([&](Operation *op) {
      if (!isOurs(op) || isa<dgpu::TensorMapOp, dgpu::SharedTileOp, dgpu::SubtileOp>(op)) return;
      result = op->emitOpError("cannot be lowered: its tiles must come from shared_tile or subtile");
    });
    return result;
  }
};

} // namespace
} // namespace drawloom
