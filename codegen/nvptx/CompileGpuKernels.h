// All kernels of a module to PTX, and to machine code where ptxas is at hand.
#pragma once
#include "codegen/CompileKernels.h"

namespace drawloom {

/// The PTX of every function of `kernels` as one module, ending in a newline. It does not depend on
/// `threads`, the number of threads that generate code (0: one a core).
mlir::FailureOr<std::string> emitPtxModule(mlir::ModuleOp kernels, const Target &target, int optLevel,
                                           unsigned threads, bool verifyEach);

/// compileKernels for a GPU: kernels in modules (CodeModules.h), each of which is PTX that ends in a NUL and,
/// where there is a ptxas, a cubin. What ptxas holds against the code (spills, serialized products) becomes
/// warnings at the kernels.
mlir::FailureOr<CompiledKernels> compileGpuKernels(mlir::ModuleOp kernels, const Target &target, int optLevel,
                                                   unsigned threads, bool verifyEach, const StageTimer &timer,
                                                   bool cache);

} // namespace drawloom
