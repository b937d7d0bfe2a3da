// All kernels of a module to one flat image.
#pragma once
#include "codegen/FlatImage.h"
#include <functional>

namespace drawloom {

/// A kernel in the image: entry offset, and how many places and scalars its launches pass.
struct CompiledKernel {
  std::string name;
  uint64_t entry;
  unsigned places, scalars;
};

struct CompiledKernels {
  std::vector<std::byte> image;
  std::vector<CompiledKernel> kernels; ///< in the order of the functions of `module @kernels`
};

/// Called with what was done and how long it took.
using StageTimer = std::function<void(const std::string &stage, double milliseconds)>;

/// Compiles every function of `kernels`. Code generation is spread over `threads` threads (0: one a core).
/// The image does not depend on their number. Failures have been reported as diagnostics.
mlir::FailureOr<CompiledKernels> compileKernels(mlir::ModuleOp kernels, const Target &target, int optLevel,
                                                unsigned threads, bool verifyEach,
                                                const StageTimer &timer = {});

} // namespace drawloom
