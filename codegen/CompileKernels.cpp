#include "codegen/CompileKernels.h"
#include "codegen/LowerToLLVM.h"
#include "runtime/support/Error.h"
#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

using namespace mlir;

namespace drawloom {

static double now() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// Compiles each module of `all`; the objects are in the order of the modules whichever thread made them.
static FailureOr<std::vector<KernelObject>> emitObjects(ModuleOp all, const Target &target, int optLevel,
                                                        unsigned threads) {
  SmallVector<ModuleOp> modules(all.getOps<ModuleOp>());
  std::vector<std::optional<KernelObject>> results(modules.size());
  std::atomic<size_t> next = 0;
  std::atomic<bool> failed = false;
  auto work = [&] {
    for (size_t i; (i = next++) < modules.size() && !failed;) {
      FailureOr<KernelObject> object = emitObject(modules[i], target, optLevel);
      if (succeeded(object))
        results[i] = std::move(*object);
      else
        failed = true;
    }
  };
  size_t count =
      std::min<size_t>(threads ? threads : std::max(1u, std::thread::hardware_concurrency()), modules.size());
  std::vector<std::thread> others;
  for (size_t t = 1; t < count; ++t) others.emplace_back(work);
  work();
  for (std::thread &thread : others) thread.join();
  if (failed) return failure();
  std::vector<KernelObject> objects;
  for (auto &result : results) objects.push_back(std::move(*result));
  return objects;
}

FailureOr<CompiledKernels> compileKernels(ModuleOp kernels, const Target &target, int optLevel,
                                          unsigned threads, bool verifyEach, const StageTimer &timer) {
  double start = now();
  auto finished = [&](const std::string &stage) {
    double end = now();
    if (timer) timer(stage, end - start);
    start = end;
  };
  auto lowered = lowerKernelsToLLVM(kernels, verifyEach);
  if (failed(lowered)) return failure();
  finished("lower to LLVM");
  auto objects = emitObjects(lowered->get(), target, optLevel, threads);
  if (failed(objects)) return failure();
  finished("machine code");
  CompiledKernels result;
  try {
    FlatImage image = linkKernels(*objects);
    result.image = std::move(image.bytes);
    for (auto [object, entry] : llvm::zip_equal(*objects, image.entries))
      result.kernels.push_back({object.name, entry, object.places, object.scalars});
  } catch (const Error &error) {
    return kernels.emitError(error.what());
  }
  finished("link");
  return result;
}

} // namespace drawloom
