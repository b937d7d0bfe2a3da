// The last steps of GPU kernels before LLVM IR.
#ifndef DRAWLOOM_NVPTX_PASSES_TD
#define DRAWLOOM_NVPTX_PASSES_TD
include "mlir/Pass/PassBase.td"

def GpuEntry : Pass<"drawloom-gpu-entry", "::mlir::ModuleOp"> {
  let summary = "kernels become entries: begin and end come from the block's number";
  let description = [{
    A function (memrefs, indices, begin, end) becomes one of (memrefs in global memory, indices, grid, a pointer for each of
    `drawloom.tensor_maps`). Of a launch's ceil(grid / items) blocks, block b does work items [b * items, min(grid, (b + 1) * items)).

    | attribute of the function | meaning | default |
    |---|---|---|
    | drawloom.threads | threads of a block, 1 to 1024 | 1: the kernel says nothing about threads, so one does everything |
    | drawloom.items | work items of a block | 1 |
    | drawloom.shared | bytes of dynamic shared memory | 0 |
    | drawloom.tensor_maps | one #drawloom_gpu.tensor_map for each map | none |
    | drawloom.min_blocks | blocks that must fit on a multiprocessor at once: bounds the registers of a thread | 1 |
    | drawloom.flush_denormals | subnormal f32 numbers are zero, which makes ex2.approx and its like one instruction | subnormals are kept |
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::memref::MemRefDialect"];
}

def ExpandMath : Pass<"drawloom-expand-math", "::mlir::ModuleOp"> {
  let summary = "exp, exp2, log, log2 and rsqrt become arithmetic";
  let description = [{
    There is no library on the device, and the hardware's approximations are less exact than f32. Functions of f32 become the polynomials
    of passes/rows/VectorMath.h; those of bf16 and f16 are computed in f32; rsqrt is 1 / sqrt, both correctly rounded. `exp2` with
    fastmath<afn> stays: it is the hardware's. A math op that the back end has no instructions for is an error.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def LowerGpuIntrinsics : Pass<"drawloom-lower-gpu-intrinsics", "::mlir::ModuleOp"> {
  let summary = "thread numbers, barriers, shuffles and shared memory become the NVVM dialect";
  let description = [{
    `gpu.dynamic_shared_memory` is the address of the module's one external array in shared memory, 1024-aligned. Memory spaces of memrefs
    become numbers: global 1, workgroup 3, private 5.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect"];
}

def MarkEntries : Pass<"drawloom-mark-entries", "::mlir::ModuleOp"> {
  let summary = "llvm.func of kernels get what the back end needs to know of their launch";
  let description = [{ Reads the attributes of drawloom-gpu-entry. }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect"];
}

#endif
