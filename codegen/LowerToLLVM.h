// The kernels as the LLVM dialect, one module a kernel.
#pragma once
#include "codegen/Target.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace drawloom {

/// Splits `kernels` (a module of func.func with statically shaped memrefs and index arguments) into a module
/// that holds one module for each function, and lowers these to the LLVM dialect, in parallel where the
/// context allows. A memref becomes a bare pointer whose strides are constants; a vector operation, vectors
/// of at most what the target has. Stack memory is allocated in the entry block. A GPU's kernels become
/// entries (codegen/nvptx/Passes.td).
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>
lowerKernelsToLLVM(mlir::ModuleOp kernels, const Target &target, bool verifyEach);

/// Registers `drawloom-lower-to-nvvm`, the GPU's passes as one pipeline for textual use on a module of
/// kernels.
void registerLowerToNvvmPipeline();

/// Registers what the lowering and the translation to LLVM IR need.
void registerLoweringDialects(mlir::DialectRegistry &registry);

} // namespace drawloom
