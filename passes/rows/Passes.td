// Row operations to kernels.
#ifndef DRAWLOOM_ROWS_PASSES_TD
#define DRAWLOOM_ROWS_PASSES_TD
include "mlir/Pass/PassBase.td"

def LowerRows : Pass<"drawloom-lower-rows", "::mlir::ModuleOp"> {
  let summary = "row operations become launches of outlined loops over rows";
  let description = [{
    Every `fusion`, every lone row op, `embed_grad` and `global_norm` becomes a `drawloom.launch` of a `func.func` in
    `module @kernels`. Kernels that would be equal are one; `site` of dropout is a scalar of the launch for that reason.

    A work item is a chunk of rows whose size depends on the number of rows alone (passes/rows/Chunks.h), so a sum over
    rows has the same bits whatever it is fused with and however many threads run. Within a row, runs of elementwise ops
    share one vector loop over the columns with their values in registers; a sum or maximum over the row ends a loop. A value
    that a later loop needs again is read back from where it was loaded or stored, else kept in a row of stack memory.
    Fusions that are elementwise throughout, on dense tensors, run over flat chunks of 4096 elements instead of rows.

    Sums over rows (column_sum, the gradients of a scale and a shift) go into one row a work item; a second launch adds these in
    order, in double precision. Column counts need not be multiples of the vector length: the last vector is masked.

    For a GPU (`target`) the same programs become code for the threads of a block (passes/rows/TeamShape.h): a team of up to 32
    threads does a row, with its values in registers and vectors of 16 bytes, in f32 whatever the types in memory (bf16, f16, f32). Sums over
    rows have one row of partial sums a block; launches that finish sums which only leave the block are joined. Elementwise
    fusions of many tensors among a function's arguments (an optimizer's step) share launches, and so do the sums of squares of `global_norm`.
  }];
  let options = [
    Option<"target", "target", "std::string", "\"cpu\"", "cpu, sm_90a or sm_80">,
    Option<"lanes", "lanes", "int64_t", "16", "f32 lanes of a vector (a power of two from 4 to 64); results depend on it">
  ];
  let statistics = [
    Statistic<"numLaunches", "launches", "Number of launches made">,
    Statistic<"numKernels", "kernels", "Number of different kernels">
  ];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::scf::SCFDialect", "::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect", "::mlir::vector::VectorDialect", "::mlir::memref::MemRefDialect",
    "::mlir::gpu::GPUDialect", "::mlir::LLVM::LLVMDialect"];
}

#endif
