// All kernels of a module to machine code.
#pragma once
#include "codegen/FlatImage.h"
#include "codegen/nvptx/PtxasReport.h"
#include "runtime/schema/plan_generated.h"
#include <functional>

namespace drawloom {

/// A kernel: how many places and scalars its launches pass, and how to start it.
struct CompiledKernel {
  std::string name;
  uint64_t entry = 0; ///< CPU: offset in the image
  unsigned places = 0, scalars = 0;
  uint32_t threads = 0, items = 1, sharedBytes = 0; ///< GPU: of a block
  std::vector<plan::TensorMapT> tensorMaps = {};    ///< GPU
  uint32_t module = 0;                              ///< GPU: which of the modules
};

struct CompiledKernels {
  std::vector<std::byte> image;           ///< CPU: a flat image; GPU: PTX, a NUL at the end of each module
  std::vector<std::byte> cubin;           ///< GPU: the modules assembled, where ptxas is installed
  std::vector<plan::CodeModule> modules;  ///< GPU: parts of the image and of the cubin
  std::vector<CompiledKernel> kernels;    ///< in the order of the functions of `module @kernels`
  std::vector<KernelResources> resources; ///< what ptxas says that the kernels take
};

/// Called with what was done and how long it took.
using StageTimer = std::function<void(const std::string &stage, double milliseconds)>;

/// Compiles every function of `kernels`. Code generation is spread over `threads` threads (0: one a core).
/// The image does not depend on their number. `cache`: what ptxas makes is kept on disk. Failures have been
/// reported as diagnostics.
mlir::FailureOr<CompiledKernels> compileKernels(mlir::ModuleOp kernels, const Target &target, int optLevel,
                                                unsigned threads, bool verifyEach,
                                                const StageTimer &timer = {}, bool cache = true);

} // namespace drawloom
