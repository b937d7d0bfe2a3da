// Products with an epilogue to kernels.
#ifndef DRAWLOOM_PRODUCTS_PASSES_TD
#define DRAWLOOM_PRODUCTS_PASSES_TD
include "mlir/Pass/PassBase.td"

def LowerProducts : Pass<"drawloom-lower-products", "::mlir::ModuleOp"> {
  let summary = "fusions that begin with a product become launches of one kernel each";
  let description = [{
    The kernel's blocks keep columns of b in shared memory and stream rows of a past them (passes/products/ProductKernel.h). While the result
    of a tile is in registers, the row ops of the fusion are applied to it, with the arithmetic of `drawloom-lower-rows` and so with the same bits.
    Sums along a row's heads (attention_delta) are added up by the lanes that have the row's columns and written with the tile, whose columns
    are whole heads. Sums over rows become a row of partial sums a warp; a second launch adds these in order, in double precision. Where the row ops need whole
    rows (dropout, norms), a tile has all columns, and goes through shared memory to the code of row kernels (passes/products/RowProductKernel.h).

    The gradients of a weight and of its bias are two launches: partial sums, and their totals on top of the accumulated gradients
    (passes/products/WeightGradKernel.h).

    Which fusions have a kernel is said by `products::canLower` (passes/products/ProductRules.h); any other that begins with a product is an error.
  }];
  let options = [
    Option<"target", "target", "std::string", "\"sm_90a\"", "cpu, sm_90a or sm_80; only sm_90a has kernels">,
    ListOption<"cut", "cut", "int64_t", "for tuning and tests: warp groups, columns of a tile and stages of the ring">
  ];
  let statistics = [Statistic<"numLaunches", "launches", "Number of launches made">];
  let dependentDialects = ["::mlir::func::FuncDialect", "::mlir::scf::SCFDialect", "::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect", "::mlir::vector::VectorDialect", "::mlir::memref::MemRefDialect", "::mlir::affine::AffineDialect",
    "::mlir::gpu::GPUDialect", "::mlir::LLVM::LLVMDialect", "::drawloom::dgpu::DrawloomGpuDialect"];
}

#endif
