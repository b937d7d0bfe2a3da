#include "passes/Pipelines.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace drawloom {

ArrayRef<Phase> phases() {
  static const std::vector<Phase> list = {
      {"graph",
       "what is computed: gradients, what is recomputed, pieces of patterns, fusions",
       {"drawloom-choose-precision{type=$activations}",
        {"drawloom-fuse-epilogues", On::Gpu},
        "drawloom-form-segments{mode=$recompute}",
        "drawloom-differentiate",
        "drawloom-inline-segments",
        "drawloom-decompose",
        "drawloom-split-pieces",
        "drawloom-accumulate-in-place",
        {"drawloom-fuse-products{target=$target}", On::Gpu, &PipelineOptions::productEpilogues},
        "drawloom-fuse",
        {"drawloom-order-for-cache", On::Gpu}},
       "drawloom-verify-graph"},
      {"loops",
       "how: kernels of tile loops and row loops",
       {"drawloom-lower-attention{target=$target}",
        {"drawloom-lower-products{target=$target}", On::Gpu},
        "drawloom-lower-rows{target=$target lanes=$lanes}",
        "drawloom-split-edge-tiles"},
       "drawloom-verify-loops"},
      {"memory",
       "where: every value has a place, the peak is known",
       {"drawloom-inline-recompute", "drawloom-insert-copies{target=$target}", "drawloom-plan-memory"},
       "drawloom-verify-memory"},
      {"kernel",
       "with which instructions: kernels as vectors",
       {{"drawloom-vectorize-tiles{vector-width=$lanes registers=$registers}", On::Cpu},
        {"drawloom-distribute-tiles{target=$target}", On::Gpu}},
       ""},
  };
  return list;
}

namespace {

bool isWanted(const PassText &pass, const PipelineOptions &options) {
  if (pass.choice && !(options.*pass.choice)) return false;
  return pass.machine == On::Any || (pass.machine == On::Gpu) == options.isGpu();
}

/// The element type of activations, in MLIR's words.
StringRef activationType(StringRef precision) {
  return llvm::StringSwitch<StringRef>(precision).Case("fp32", "f32").Case("fp16", "f16").Default(precision);
}

/// Replaces each `$option`.
std::string substitute(StringRef text, const PipelineOptions &options) {
  std::string result = text.str();
  auto replace = [&](StringRef name, StringRef value) {
    for (size_t at; (at = result.find(name)) != std::string::npos;) result.replace(at, name.size(), value);
  };
  replace("$recompute", options.recompute);
  replace("$target", options.target);
  replace("$precision", options.precision);
  replace("$activations", activationType(options.precision));
  replace("$lanes", std::to_string(options.lanes));
  replace("$registers", std::to_string(options.registers));
  return result;
}

LogicalResult addPass(OpPassManager &pm, StringRef text, raw_ostream &errors) {
  if (text.empty()) return success();
  return parsePassPipeline(text, pm, errors);
}

std::string phaseNames() {
  std::vector<StringRef> names;
  for (const Phase &phase : phases()) names.push_back(phase.name);
  return llvm::join(names, ", ");
}

struct CommandLineOptions : PassPipelineOptions<CommandLineOptions> {
  Option<std::string> recompute{
      *this, "recompute", llvm::cl::desc("what to recompute: none, elementwise, attention, block or all"),
      llvm::cl::init("none")};
  Option<std::string> target{*this, "target",
                             llvm::cl::desc("what kernels are scheduled for: cpu, sm_90a or sm_80"),
                             llvm::cl::init("cpu")};
  Option<std::string> precision{*this, "precision",
                                llvm::cl::desc("of activations and their gradients: fp32, bf16 or fp16"),
                                llvm::cl::init("fp32")};
  Option<bool> productEpilogues{
      *this, "product-epilogues",
      llvm::cl::desc("whether products of our own have row ops as epilogues (sm_90a)"),
      llvm::cl::init(PipelineOptions().productEpilogues)};
  Option<std::string> stopAfter{*this, "stop-after",
                                llvm::cl::desc("the last phase to run (all of them if empty)"),
                                llvm::cl::init("")};
  Option<std::string> dumpPhases{*this, "dump-phases",
                                 llvm::cl::desc("folder to write the module to after each phase"),
                                 llvm::cl::init("")};
};

} // namespace

LogicalResult buildPipeline(OpPassManager &pm, const PipelineOptions &options, StringRef stopAfter,
                            raw_ostream &errors,
                            const std::function<void(OpPassManager &, const Phase &)> &afterPhase) {
  if (!stopAfter.empty() &&
      llvm::none_of(phases(), [&](const Phase &phase) { return phase.name == stopAfter; })) {
    errors << "there is no phase '" << stopAfter << "'; the phases are " << phaseNames() << "\n";
    return failure();
  }
  for (auto [number, phase] : llvm::enumerate(phases())) {
    for (const PassText &pass : phase.passes)
      if (isWanted(pass, options) && failed(addPass(pm, substitute(pass.text, options), errors)))
        return failure();
    if (failed(addPass(pm, phase.verify, errors))) return failure();
    if (!options.dumpDirectory.empty()) {
      SmallString<128> file(options.dumpDirectory);
      llvm::sys::path::append(file, std::to_string(number + 1) + "-" + phase.name.str() + ".mlir");
      pm.addPass(createDumpModule({std::string(file)}));
    }
    if (afterPhase) afterPhase(pm, phase);
    if (phase.name == stopAfter) break;
  }
  return success();
}

void registerDrawloomPipeline() {
  static PassPipelineRegistration<CommandLineOptions> pipeline(
      "drawloom-pipeline", "run the compiler's phases (graph, loops, memory, kernel) up to stop-after",
      [](OpPassManager &pm, const CommandLineOptions &options) {
        PipelineOptions choices{options.recompute, options.target, options.precision, options.dumpPhases,
                                options.productEpilogues};
        if (failed(buildPipeline(pm, choices, options.stopAfter, llvm::errs())))
          llvm::report_fatal_error("drawloom-pipeline: invalid options", /*gen_crash_diag=*/false);
      });
}

} // namespace drawloom
