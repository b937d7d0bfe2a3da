// Makes every dialect and pass known by name.
#include "dialect/gpu/Gpu.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Passes.h"
#include "passes/Pipelines.h"
#include "passes/attention/Passes.h"
#include "passes/gpu/Passes.h"
#include "passes/products/Passes.h"
#include "passes/rows/Passes.h"
#include "passes/tiles/Passes.h"

namespace drawloom {

void registerAllDialects(mlir::DialectRegistry &registry) {
  registry.insert<DrawloomDialect, mlir::affine::AffineDialect, mlir::arith::ArithDialect,
                  mlir::cf::ControlFlowDialect, dgpu::DrawloomGpuDialect, mlir::func::FuncDialect,
                  mlir::gpu::GPUDialect, mlir::LLVM::LLVMDialect, mlir::math::MathDialect,
                  mlir::memref::MemRefDialect, mlir::scf::SCFDialect, mlir::ub::UBDialect,
                  mlir::vector::VectorDialect>();
}

void registerAllPasses() {
  static const bool once = [] {
    registerDrawloomPasses();
    registerDrawloomAttentionPasses();
    registerDrawloomGpuPasses();
    registerDrawloomTilePasses();
    registerDrawloomRowsPasses();
    registerDrawloomProductsPasses();
    registerDrawloomPipeline();
    mlir::registerCSEPass();
    mlir::registerCanonicalizerPass();
    mlir::registerLoopInvariantCodeMotionPass();
    mlir::registerSymbolDCEPass();
    return true;
  }();
  (void)once;
}

} // namespace drawloom
