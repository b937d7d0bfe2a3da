#include "codegen/Compiler.h"
#include "codegen/Artifact.h"
#include "codegen/LowerToLLVM.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Names.h"
#include "passes/Pipelines.h"
#include <chrono>

using namespace mlir;

namespace drawloom {

static double now() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void registerCompiler(DialectRegistry &registry) {
  registerAllDialects(registry);
  registerLoweringDialects(registry);
  registerAllPasses();
}

namespace {

/// Ends a phase: notes the time that has passed since the last note.
class NoteTime : public PassWrapper<NoteTime, OperationPass<ModuleOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(NoteTime)
  explicit NoteTime(std::function<void()> note) : note(std::move(note)) {}
  StringRef getName() const override { return "drawloom-note-time"; }
  void runOnOperation() override {
    note();
    markAllAnalysesPreserved();
  }

private:
  std::function<void()> note;
};

} // namespace

/// Arguments and results without a name become io buffers "arg0", "result0", ...; in a module of several
/// functions with the function's name before it.
static void nameBuffers(ModuleOp module) {
  auto functions = module.getOps<func::FuncOp>();
  bool several = !llvm::hasSingleElement(functions);
  for (auto function : functions) {
    auto name = [&](StringRef kind, unsigned k) {
      std::string prefix = several ? function.getName().str() + "." : "";
      return StringAttr::get(module.getContext(), prefix + kind.str() + std::to_string(k));
    };
    for (unsigned k = 0; k < function.getNumArguments(); ++k)
      if (!function.getArgAttr(k, kNameAttr)) function.setArgAttr(k, kNameAttr, name("arg", k));
    for (unsigned k = 0; k < function.getNumResults(); ++k)
      if (!function.getResultAttr(k, kNameAttr)) function.setResultAttr(k, kNameAttr, name("result", k));
  }
}

/// Kernels that nothing launches would be compiled for nothing.
static void dropUnusedKernels(ModuleOp module, ModuleOp kernels) {
  llvm::DenseSet<StringAttr> used;
  module.walk([&](LaunchOp launch) { used.insert(launch.getKernel().getLeafReference()); });
  for (auto kernel : llvm::make_early_inc_range(kernels.getOps<func::FuncOp>()))
    if (!used.contains(kernel.getSymNameAttr())) kernel.erase();
}

static void setTuning(ModuleOp module, const Tuning &tuning) {
  Builder b(module.getContext());
  SmallVector<NamedAttribute> cuts;
  for (const auto &[problem, cut] : tuning) cuts.push_back(b.getNamedAttr(problem, b.getStringAttr(cut)));
  module->setAttr(kTuningAttr, b.getDictionaryAttr(cuts));
}

/// Takes the choices from the module.
static std::vector<KernelChoice> takeChoices(ModuleOp module) {
  std::vector<KernelChoice> choices;
  auto list = dyn_cast_or_null<ArrayAttr>(module->removeAttr(kChoicesAttr));
  if (!list) return choices;
  for (auto entry : list.getAsRange<DictionaryAttr>()) {
    KernelChoice &choice = choices.emplace_back();
    choice.problem = entry.getAs<StringAttr>("problem").str();
    for (auto cut : entry.getAs<ArrayAttr>("cuts").getAsRange<StringAttr>()) choice.cuts.push_back(cut.str());
    choice.chosen = size_t(entry.getAs<IntegerAttr>("chosen").getInt());
  }
  return choices;
}

static PipelineOptions pipelineOptions(const CompileOptions &options) {
  PipelineOptions pipeline;
  pipeline.recompute = options.recompute;
  pipeline.target = options.target.scheduledFor();
  pipeline.precision = options.precision;
  pipeline.dumpDirectory = options.dumpPhases;
  int64_t machineRegisters = options.target.vectorBits >= 512 ? 32 : 16;
  pipeline.lanes = options.target.lanes;
  pipeline.registers = machineRegisters * options.target.vectorBits / (32 * pipeline.lanes);
  return pipeline;
}

static LogicalResult runPhases(ModuleOp module, const CompileOptions &options,
                               const PipelineOptions &pipeline, std::function<void(StringRef)> finished) {
  PassManager pm(module.getContext(), ModuleOp::getOperationName());
  pm.enableVerifier(options.verifyEach);
  std::string problem;
  llvm::raw_string_ostream errors(problem);
  auto afterPhase = [&](OpPassManager &manager, const Phase &phase) {
    manager.addPass(std::make_unique<NoteTime>([finished, name = phase.name] { finished(name); }));
  };
  if (failed(buildPipeline(pm, pipeline, options.stopAfter, errors, afterPhase)))
    return module.emitError(problem);
  return pm.run(module);
}

using StageEnd = std::function<void(StringRef stage)>;

/// From a built module to the end of the last phase that is asked for.
static LogicalResult lower(ModuleOp module, const CompileOptions &options, CompileReport *report,
                           const StageEnd &finished) {
  if (options.precision != "fp32" && !options.target.isGpu())
    return module.emitError() << "precision '" << options.precision << "' needs a GPU: kernels for "
                              << options.target.name << " compute in fp32";
  nameBuffers(module);
  if (options.tuning) setTuning(module, *options.tuning);
  PipelineOptions pipeline = pipelineOptions(options);
  if (options.recompute == "auto") {
    auto choice = chooseRecompute(module, pipeline, options.memoryBudget);
    if (failed(choice)) return failure();
    pipeline.recompute = choice->pipelineOption();
    if (report) report->recompute = std::move(*choice);
    finished("recompute");
  }
  if (failed(runPhases(module, options, pipeline, finished))) return failure();
  std::vector<KernelChoice> choices = takeChoices(module);
  if (report) report->choices = std::move(choices);
  return success();
}

/// The plan with the kernels' names alone.
static FailureOr<plan::PlanT> planWithoutCode(ModuleOp module, const Target &target) {
  CompiledKernels named;
  if (auto kernels = module.lookupSymbol<ModuleOp>(kKernelsModule)) {
    dropUnusedKernels(module, kernels);
    for (auto kernel : kernels.getOps<func::FuncOp>()) named.kernels.push_back({kernel.getSymName().str()});
  }
  return buildPlan(module, named, target);
}

FailureOr<plan::PlanT> planModule(ModuleOp module, CompileOptions options) {
  options.stopAfter = "memory";
  if (failed(lower(module, options, nullptr, [](StringRef) {}))) return failure();
  return planWithoutCode(module, options.target);
}

FailureOr<std::vector<std::byte>> compileToArtifact(ModuleOp module, const CompileOptions &options,
                                                    CompileReport *report) {
  double start = now();
  auto note = [&](const std::string &stage, double milliseconds) {
    if (report) report->milliseconds.push_back({stage, milliseconds});
  };
  auto finished = [&](StringRef stage) {
    double end = now();
    note(stage.str(), end - start);
    start = end;
  };
  if (failed(lower(module, options, report, finished))) return failure();
  if (!options.stopAfter.empty()) return std::vector<std::byte>();
  if (options.planned) {
    auto plan = planWithoutCode(module, options.target);
    if (failed(plan)) return failure();
    options.planned(*plan);
    finished("plan");
  }

  CompiledKernels compiled;
  if (auto kernels = module.lookupSymbol<ModuleOp>(kKernelsModule)) {
    dropUnusedKernels(module, kernels);
    auto result = compileKernels(kernels, options.target, options.optLevel, options.threads,
                                 options.verifyEach, note, options.cache);
    if (failed(result)) return failure();
    compiled = std::move(*result);
  }
  start = now();
  FailureOr<plan::PlanT> plan = buildPlan(module, compiled, options.target);
  if (failed(plan)) return failure();
  std::vector<std::byte> artifact = assembleArtifact(*plan, compiled.image, compiled.cubin);
  finished("artifact");
  if (report) {
    report->kernels = compiled.kernels.size();
    report->codeBytes = compiled.image.size();
    report->cubinBytes = compiled.cubin.size();
    report->resources = std::move(compiled.resources);
  }
  return artifact;
}

} // namespace drawloom
