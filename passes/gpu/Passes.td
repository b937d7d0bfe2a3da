// The pass that turns target-level ops into instructions.
#ifndef DRAWLOOM_GPU_PASSES_TD
#define DRAWLOOM_GPU_PASSES_TD
include "mlir/Pass/PassBase.td"

def LowerGpuOps : Pass<"drawloom-lower-gpu-ops", "::mlir::ModuleOp"> {
  let summary = "drawloom_gpu ops become inline PTX and ops of the LLVM dialect";
  let description = [{
    Runs on kernels as `func.func`, before vectors are lowered. Fragments stay vectors: each op takes its operands' elements out and puts its results' together again, which costs nothing in
    machine code. A matrix product is one piece of inline PTX, from the fence to the commit, so that nothing can move between; a wait ties the accumulators that it finishes.
    Offsets become addresses relative to the module's `@shared`, which is declared where it is missing.
    A `tensor_map` becomes the entry's parameter; it is left where the function is not an entry yet.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::gpu::GPUDialect", "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect", "::mlir::vector::VectorDialect", "::mlir::scf::SCFDialect"];
  let options = [Option<"target", "target", "std::string", "\"sm_90a\"", "sm_90a or sm_80">];
}
#endif
