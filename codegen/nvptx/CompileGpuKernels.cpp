#include "codegen/nvptx/CompileGpuKernels.h"
#include "codegen/LowerToLLVM.h"
#include "codegen/Parallel.h"
#include "codegen/nvptx/CodeModules.h"
#include "codegen/nvptx/EmitPtx.h"
#include "codegen/nvptx/LaunchShape.h"
#include "codegen/nvptx/Ptxas.h"
#include "runtime/support/Clock.h"
#include "runtime/support/Error.h"
#include <latch>
#include <span>
#include <variant>

using namespace mlir;

namespace drawloom {

namespace {

/// The kernels of a module, lowered to the LLVM dialect.
struct Lowered {
  OwningOpRef<ModuleOp> all;
  SmallVector<ModuleOp> kernels;
  std::vector<size_t> longestFirst; ///< by their ops: a long one that begins last is waited for

  static FailureOr<Lowered> from(ModuleOp kernels, const Target &target, bool verifyEach) {
    auto all = lowerKernelsToLLVM(kernels, target, verifyEach);
    if (failed(all)) return failure();
    Lowered lowered;
    lowered.all = std::move(*all);
    std::vector<size_t> ops;
    for (ModuleOp one : lowered.all->getOps<ModuleOp>()) {
      lowered.longestFirst.push_back(ops.size());
      lowered.kernels.push_back(one);
      size_t count = 0;
      one.walk([&](Operation *) { ++count; });
      ops.push_back(count);
    }
    llvm::stable_sort(lowered.longestFirst, [&](size_t a, size_t b) { return ops[a] > ops[b]; });
    return lowered;
  }
};

/// What came of a module's kernels. A problem of the assembler waits until all have ended, so that the first
/// module's is told, whichever failed first.
struct Assembled {
  Cubin cubin;
  std::string problem;
};

/// PTX of kernels, and cubins of modules as soon as the PTX of their kernels is there.
class CodeMaker {
public:
  CodeMaker(const Lowered &lowered, const Target &target, int optLevel, std::optional<std::string> ptxas,
            bool cache)
      : lowered(lowered), target(target), optLevel(optLevel), ptxas(std::move(ptxas)), cache(cache),
        texts(lowered.kernels.size()), sizes(texts.size()), emitted(ptrdiff_t(texts.size())),
        assembled(texts.size()) {}

  LogicalResult run(unsigned threads) {
    // First a task a kernel, then one for each module of several, of which there are not more. A thread that
    // has one of these waits for kernels that others have begun.
    size_t kernels = texts.size(), tasks = ptxas ? 2 * kernels : kernels;
    auto done = inParallel<std::monostate>(tasks, threads, [&](size_t task) -> FailureOr<std::monostate> {
      if (task >= kernels)
        assembleTogether(task - kernels);
      else if (failed(make(lowered.longestFirst[task])))
        return failure();
      return std::monostate();
    });
    return success(succeeded(done));
  }

  const std::vector<std::string> &kernelTexts() const { return texts; }
  std::vector<std::vector<size_t>> modules() const { return groupKernels(sizes); }
  std::string text(ArrayRef<size_t> kernels) const {
    std::string text = ptxHeader(target);
    for (size_t kernel : kernels) text += "\n" + texts[kernel];
    return text;
  }
  /// Of the module that begins with a kernel.
  Assembled &of(size_t firstKernel) { return assembled[firstKernel]; }

private:
  LogicalResult make(size_t kernel) {
    FailureOr<std::string> text = emitPtx(lowered.kernels[kernel], target, optLevel);
    if (succeeded(text)) texts[kernel] = std::move(*text), sizes[kernel] = texts[kernel].size();
    emitted.count_down();
    if (failed(text)) return failure();
    if (ptxas && standsAlone(sizes[kernel])) assembleModule({kernel});
    return success();
  }

  void assembleTogether(size_t number) {
    emitted.wait();
    std::vector<std::vector<size_t>> together = modules();
    llvm::erase_if(together, [&](auto &module) { return standsAlone(sizes[module.front()]); });
    if (number < together.size()) assembleModule(together[number]);
  }

  void assembleModule(ArrayRef<size_t> kernels) {
    Assembled &result = assembled[kernels.front()];
    try {
      result.cubin = assemble(*ptxas, text(kernels), target.name, cache);
    } catch (const Error &error) {
      result.problem = error.text();
    }
  }

  const Lowered &lowered;
  const Target &target;
  int optLevel;
  std::optional<std::string> ptxas;
  bool cache;
  std::vector<std::string> texts;
  std::vector<size_t> sizes;
  std::latch emitted;               ///< counts kernels whose PTX has not come yet
  std::vector<Assembled> assembled; ///< by the modules' first kernels
};

} // namespace

FailureOr<std::string> emitPtxModule(ModuleOp kernels, const Target &target, int optLevel, unsigned threads,
                                     bool verifyEach) {
  auto lowered = Lowered::from(kernels, target, verifyEach);
  if (failed(lowered)) return failure();
  CodeMaker code(*lowered, target, optLevel, std::nullopt, false);
  if (failed(code.run(threads))) return failure();
  return code.text(llvm::to_vector(llvm::seq(lowered->kernels.size())));
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

/// Bytes of a thread that go to memory and come back before anyone need know: what kernels spill before and
/// after their loops, up to some hundred bytes, does not show in their times.
static constexpr int64_t kNotableSpills = 512;

/// Says at the kernels what costs speed.
static void warn(ModuleOp kernels, const PtxasReport &report) {
  for (const KernelResources &kernel : report.kernels)
    if (kernel.spillStores + kernel.spillLoads > kNotableSpills)
      if (auto function = kernels.lookupSymbol<func::FuncOp>(kernel.kernel))
        function.emitWarning() << "kernel '" << kernel.kernel << "' spills registers: " << kernel.spillStores
                               << " bytes stored, " << kernel.spillLoads << " bytes loaded";
  for (const PtxasWarning &warning : report.warnings)
    kernels.emitWarning() << "ptxas: " << warning.text
                          << (warning.code.empty() ? "" : " [" + warning.code + "]");
}

/// Adds a module's PTX and cubin to the others'.
static void addModule(CompiledKernels &all, const std::string &ptx, ArrayRef<std::byte> cubin) {
  constexpr size_t alignment = 64; // of an ELF file in memory
  all.cubin.resize(llvm::alignTo(all.cubin.size(), alignment));
  all.modules.emplace_back(all.image.size(), ptx.size() + 1, all.cubin.size(), cubin.size());
  auto text = std::as_bytes(std::span(ptx.c_str(), ptx.size() + 1));
  all.image.insert(all.image.end(), text.begin(), text.end());
  all.cubin.insert(all.cubin.end(), cubin.begin(), cubin.end());
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
  Stopwatch watch;
  auto finished = [&](const std::string &stage) {
    if (timer) timer(stage, 1e3 * watch.seconds());
    watch.restart();
  };
  auto lowered = Lowered::from(kernels, target, verifyEach);
  if (failed(lowered)) return failure();
  finished("lower to LLVM");
  std::optional<std::string> ptxas = findPtxas();
  CodeMaker code(*lowered, target, optLevel, ptxas, cache);
  if (failed(code.run(threads))) return failure();
  finished(ptxas ? "PTX and ptxas" : "PTX");
  PtxasReport report;
  for (ArrayRef<size_t> module : code.modules()) {
    Assembled &assembled = code.of(module.front());
    if (!assembled.problem.empty()) return kernels.emitError() << assembled.problem;
    for (size_t kernel : module) result.kernels[kernel].module = result.modules.size();
    addModule(result, code.text(module), assembled.cubin.bytes);
    llvm::append_range(report.kernels, assembled.cubin.report.kernels);
    llvm::append_range(report.warnings, assembled.cubin.report.warnings);
  }
  warn(kernels, report);
  result.resources = std::move(report.kernels);
  return result;
}

} // namespace drawloom
