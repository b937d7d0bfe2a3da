#include "codegen/CompileKernels.h"
#include "codegen/LowerToLLVM.h"
#include "codegen/Parallel.h"
#include "codegen/nvptx/CompileGpuKernels.h"
#include "runtime/support/Clock.h"
#include "runtime/support/Error.h"

using namespace mlir;

namespace drawloom {

FailureOr<CompiledKernels> compileKernels(ModuleOp kernels, const Target &target, int optLevel,
                                          unsigned threads, bool verifyEach, const StageTimer &timer,
                                          bool cache) {
  if (target.isGpu()) return compileGpuKernels(kernels, target, optLevel, threads, verifyEach, timer, cache);
  Stopwatch watch;
  auto finished = [&](const std::string &stage) {
    if (timer) timer(stage, 1e3 * watch.seconds());
    watch.restart();
  };
  auto lowered = lowerKernelsToLLVM(kernels, target, verifyEach);
  if (failed(lowered)) return failure();
  finished("lower to LLVM");
  SmallVector<ModuleOp> modules((*lowered)->getOps<ModuleOp>());
  auto objects = inParallel<KernelObject>(modules.size(), threads,
                                          [&](size_t i) { return emitObject(modules[i], target, optLevel); });
  if (failed(objects)) return failure();
  finished("machine code");
  CompiledKernels result;
  try {
    FlatImage image = linkKernels(*objects);
    result.image = std::move(image.bytes);
    for (auto [object, entry] : llvm::zip_equal(*objects, image.entries))
      result.kernels.push_back(
          {.name = object.name, .entry = entry, .places = object.places, .scalars = object.scalars});
  } catch (const Error &error) {
    return kernels.emitError(error.what());
  }
  finished("link");
  return result;
}

} // namespace drawloom
