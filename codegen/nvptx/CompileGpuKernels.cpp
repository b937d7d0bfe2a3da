#include "codegen/nvptx/CompileGpuKernels.h"
#include "codegen/LowerToLLVM.h"
#include "codegen/Parallel.h"
#include "codegen/nvptx/EmitPtx.h"
#include "codegen/nvptx/LaunchShape.h"
#include "codegen/nvptx/Ptxas.h"
#include "runtime/support/Clock.h"
#include "runtime/support/Error.h"
#include <span>

using namespace mlir;

namespace drawloom {

FailureOr<std::string> emitPtxModule(ModuleOp kernels, const Target &target, int optLevel, unsigned threads,
                                     bool verifyEach, const StageTimer &timer) {
  Stopwatch watch;
  auto lowered = lowerKernelsToLLVM(kernels, target, verifyEach);
  if (failed(lowered)) return failure();
  if (timer) timer("lower to LLVM", 1e3 * watch.seconds());
  watch.restart();
  SmallVector<ModuleOp> modules((*lowered)->getOps<ModuleOp>());
  auto texts = inParallel<std::string>(modules.size(), threads,
                                       [&](size_t i) { return emitPtx(modules[i], target, optLevel); });
  if (failed(texts)) return failure();
  std::string ptx = ptxHeader(target);
  for (const std::string &text : *texts) ptx += "\n" + text;
  if (timer) timer("PTX", 1e3 * watch.seconds());
  return ptx;
}

static FailureOr<CompiledKernel> describe(func::FuncOp function, const Target &target) {
  FailureOr<LaunchShape> shape = launchShapeOf(function);
  if (failed(shape)) return failure();
  if (shape->sharedBytes > target.sharedBytes)
    return function.emitError() << "kernel '" << function.getName() << "' takes " << shape->sharedBytes
                                << " bytes of shared memory; a block of " << target.name << " has "
                                << target.sharedBytes;
  CompiledKernel kernel{.name = function.getName().str()};
  for (Type type : function.getArgumentTypes()) ++(isa<MemRefType>(type) ? kernel.places : kernel.scalars);
  kernel.scalars -= 2; // begin and end
  kernel.threads = shape->threads;
  kernel.items = shape->items;
  kernel.sharedBytes = shape->sharedBytes;
  kernel.tensorMaps = std::move(shape->tensorMaps);
  return kernel;
}

/// Says at the kernels what costs speed.
static void warn(ModuleOp kernels, const PtxasReport &report) {
  for (const KernelResources &kernel : report.kernels)
    if (kernel.spillStores || kernel.spillLoads)
      if (auto function = kernels.lookupSymbol<func::FuncOp>(kernel.kernel))
        function.emitWarning() << "kernel '" << kernel.kernel << "' spills registers: " << kernel.spillStores
                               << " bytes stored, " << kernel.spillLoads << " bytes loaded";
  for (const PtxasWarning &warning : report.warnings)
    kernels.emitWarning() << "ptxas: " << warning.text
                          << (warning.code.empty() ? "" : " [" + warning.code + "]");
}

FailureOr<CompiledKernels> compileGpuKernels(ModuleOp kernels, const Target &target, int optLevel,
                                             unsigned threads, bool verifyEach, const StageTimer &timer,
                                             bool cache) {
  CompiledKernels result;
  for (auto function : kernels.getOps<func::FuncOp>()) {
    FailureOr<CompiledKernel> kernel = describe(function, target);
    if (failed(kernel)) return failure();
    result.kernels.push_back(std::move(*kernel));
  }
  if (result.kernels.empty()) return result;
  FailureOr<std::string> ptx = emitPtxModule(kernels, target, optLevel, threads, verifyEach, timer);
  if (failed(ptx)) return failure();
  auto bytes = std::as_bytes(std::span(ptx->c_str(), ptx->size() + 1));
  result.image.assign(bytes.begin(), bytes.end());
  std::optional<std::string> ptxas = findPtxas();
  if (!ptxas) return result;
  try {
    Stopwatch watch;
    Cubin cubin = assemble(*ptxas, *ptx, target.name, cache);
    if (timer) timer(cubin.fromCache ? "ptxas (cached)" : "ptxas", 1e3 * watch.seconds());
    warn(kernels, cubin.report);
    result.cubin = std::move(cubin.bytes);
    result.resources = std::move(cubin.report.kernels);
  } catch (const Error &error) {
    return kernels.emitError() << error.text();
  }
  return result;
}

} // namespace drawloom
