#include "frontend/cli/Model.h"
#include "frontend/build/BuildModel.h"
#include "frontend/cli/CompileCache.h"
#include "frontend/cli/TuningFile.h"
#include "runtime/abi/Abi.h"
#include "runtime/cuda/EarlyStart.h"
#include "runtime/support/Clock.h"
#include "runtime/support/File.h"
#include "runtime/support/Format.h"
#include "runtime/support/Phases.h"
#include "runtime/train/Commands.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Threading.h"
#include <cstring>
#include <filesystem>
#include <fstream>

using namespace mlir;

namespace drawloom::cli {

bool ModelInput::isArtifact() const {
  if (path.ends_with(".loom")) return true;
  char magic[sizeof abi::kMagic] = {};
  std::ifstream(path, std::ios::binary).read(magic, sizeof magic);
  return std::memcmp(magic, abi::kMagic, sizeof magic) == 0;
}

spec::Spec ModelInput::spec() const {
  if (isArtifact())
    failWithHint(kUsage, "give the TOML spec that it was compiled from",
                 "{} is a compiled model, but a model spec is needed here", path);
  std::vector<std::string> all = sets;
  if (!device.empty()) all.push_back("run.device=" + device);
  if (!precision.empty()) all.push_back("run.precision=" + precision);
  return spec::Spec::load(path, all);
}

void ModelInput::refuseChanges(bool runs) const {
  const char *given = nullptr;
  if (!device.empty() && !runs) given = "--device";
  if (!precision.empty()) given = "--precision";
  if (!sets.empty()) given = "--set";
  if (given)
    failWithHint(kUsage, fmt::format("compile the spec with {}, or use the verb's own options", given),
                 "{} changes a model spec, but {} is a compiled model", given, path);
  if (!tuning.empty())
    failWithHint(kUsage, "compile the spec with --tuning",
                 "--tuning is for compiling, but {} is a compiled model", path);
}

void addNoCache(CLI::App &app, bool &cache) {
  app.add_flag_callback(
      "--no-cache", [&cache] { cache = false; }, "compile afresh: neither read nor write the compile cache");
}

void addSets(CLI::App &app, std::vector<std::string> &sets) {
  app.add_option("--set", sets, "override a value of the spec, as in --set train.lr=0.001; may be repeated")
      ->option_text("SECTION.KEY=VALUE")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
}

void addModelInput(CLI::App &app, ModelInput &input, bool artifacts) {
  app.add_option("MODEL", input.path,
                 artifacts ? "model spec (TOML) or compiled model (.loom)" : "model spec (TOML)")
      ->required()
      ->option_text(" ");
  addSets(app, input.sets);
  app.add_option("--device", input.device, "what runs the model: run.device of the spec")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->option_text("cpu|cuda");
  app.add_option("--precision", input.precision,
                 "of activations and their gradients: run.precision of the spec; default: bf16 on cuda")
      ->check(CLI::IsMember({"fp32", "bf16", "fp16"}))
      ->option_text("fp32|bf16|fp16");
  addNoCache(app, input.cache);
}

std::unique_ptr<MLIRContext> makeContext() {
  DialectRegistry registry;
  registerCompiler(registry);
  return std::make_unique<MLIRContext>(registry);
}

namespace {

std::string print(ModuleOp module, bool locations) {
  std::string text;
  llvm::raw_string_ostream out(text);
  module.print(out, OpPrintingFlags().enableDebugInfo(locations));
  return text;
}

/// The first of the current folder and the temporary one that can be written.
std::string writeReproducer(const std::string &name, const std::string &module,
                            const std::string &diagnostics) {
  std::string text = "// Reproducer of an internal error of the Drawloom compiler. Run: drawloom-opt "
                     "--drawloom-pipeline THIS_FILE\n";
  for (size_t at = 0; at < diagnostics.size();) {
    size_t end = std::min(diagnostics.find('\n', at), diagnostics.size());
    text += "// " + diagnostics.substr(at, end - at) + "\n";
    at = end + 1;
  }
  text += module;
  for (std::filesystem::path folder : {std::filesystem::path("."), std::filesystem::temp_directory_path()}) {
    std::string path = (folder / ("drawloom-reproducer-" + name + ".mlir")).lexically_normal().string();
    try {
      drawloom::writeFileAtomically(path, text);
      return path;
    } catch (const Error &) { // the other folder may do
    }
  }
  return "";
}

[[noreturn]] void failCompile(const std::string &name, const std::string &module,
                              const std::string &diagnostics) {
  std::string path = writeReproducer(name, module, diagnostics);
  throw Error(kInternal, fmt::format("the compiler failed on '{}':\n{}", name, diagnostics),
              path.empty() ? "this is a bug in Drawloom; no reproducer could be written"
                           : "this is a bug in Drawloom; its reproducer is " + path);
}

/// LLVM ends the process on a fatal error; before that, say what to report.
struct FatalErrors {
  FatalErrors(const std::string &name, const std::string &module) : name(name), module(module) {
    llvm::install_fatal_error_handler(&FatalErrors::handle, this);
  }
  ~FatalErrors() { llvm::remove_fatal_error_handler(); }
  static void handle(void *self, const char *reason, bool) {
    auto &f = *static_cast<FatalErrors *>(self);
    std::string path = writeReproducer(f.name, f.module, reason);
    fmt::print(stderr,
               "internal error: the compiler failed on '{}': {}\nhint: this is a bug in Drawloom; its "
               "reproducer is {}\n",
               f.name, reason, path);
    std::_Exit(kInternal);
  }
  const std::string &name, &module;
};

/// What `run` makes of the module; its failure is thrown with the diagnostics and a reproducer. Warnings are
/// printed, each once, and added to `warnings`.
template <class Result>
Result guarded(ModuleOp module, const std::string &name, std::vector<std::string> &warnings,
               llvm::function_ref<FailureOr<Result>()> run) {
  std::string before = print(module, true), diagnostics;
  FatalErrors fatal(name, before);
  FailureOr<Result> result = failure();
  {
    ScopedDiagnosticHandler handler(module.getContext(), [&](Diagnostic &d) {
      if (d.getSeverity() == DiagnosticSeverity::Warning) {
        // A search for what to recompute compiles parts of the model again and again.
        if (llvm::is_contained(warnings, d.str())) return success();
        warnings.push_back(d.str());
        fmt::print(stderr, "warning: {}\n", warnings.back());
        return success();
      }
      llvm::raw_string_ostream out(diagnostics);
      out << d.getLocation() << ": " << d << "\n";
      for (Diagnostic &note : d.getNotes()) out << note.getLocation() << ": note: " << note << "\n";
      return success();
    });
    result = run();
  }
  if (failed(result)) failCompile(name, before, diagnostics);
  return std::move(*result);
}

/// Through the cache if the options say so and only the artifact is asked for. Returns whether it came from
/// there.
bool compile(ModuleOp module, const std::string &name, const CompileOptions &options,
             CompiledModule &result) {
  bool cached =
      options.cache && options.stopAfter.empty() && options.dumpPhases.empty() && !options.verifyEach;
  CompileCache cache = cached ? CompileCache() : CompileCache("");
  PhaseTimer looking("compile cache");
  std::string key = cached ? CompileCache::keyOf(module, options, "artifact") : "";
  if (auto found = cache.findModule(key, module)) {
    for (const std::string &warning : found->warnings) fmt::print(stderr, "warning: {}\n", warning);
    result = std::move(*found);
    return true;
  }
  looking.end();
  PhaseTimer compiling("compile");
  result.artifact = guarded<std::vector<std::byte>>(
      module, name, result.warnings, [&] { return compileToArtifact(module, options, &result.report); });
  cache.storeModule(key, result);
  return false;
}

} // namespace

Target cardTarget() {
  try {
    return Target::byName(cuda::machineTarget());
  } catch (const Error &) {
    return Target::byName("sm_90a");
  }
}

/// `options` with what the spec says about compiling.
static CompileOptions optionsOf(const spec::Spec &spec, CompileOptions options,
                                llvm::function_ref<Target()> chooseCard = cardTarget) {
  options.recompute = spec.text("memory.recompute");
  options.memoryBudget = int64_t(parseBytes(spec.text("memory.budget")).value_or(0));
  options.precision = spec.text("run.precision");
  if (spec.text("run.device") == "cuda" && !options.target.isGpu()) options.target = chooseCard();
  return options;
}

Compiled compileSpec(const spec::Spec &spec, CompileOptions options, bool printIr, bool locations,
                     llvm::function_ref<Target()> chooseCard) {
  Stopwatch watch;
  PhaseTimer building("build model");
  auto context = makeContext();
  OwningOpRef<ModuleOp> module = buildModel(*context, spec);
  building.end();
  options = optionsOf(spec, options, chooseCard);
  options.cache &= !printIr;
  CompiledModule compiled;
  Compiled result;
  result.fromCache = compile(*module, spec.text("model.name"), options, compiled);
  result.artifact = std::move(compiled.artifact);
  result.report = std::move(compiled.report);
  result.seconds = watch.seconds();
  if (result.report.recompute) fmt::print(stderr, "recompute: {}\n", result.report.recompute->describe());
  if (printIr) result.ir = print(*module, locations);
  return result;
}

std::vector<std::byte> planSpec(const spec::Spec &spec, bool useCache) {
  auto context = makeContext();
  OwningOpRef<ModuleOp> module = buildModel(*context, spec);
  CompileOptions options = optionsOf(spec, {});
  CompileCache cache = useCache ? CompileCache() : CompileCache("");
  std::string key = useCache ? CompileCache::keyOf(*module, options, "plan") : "";
  if (auto found = cache.findPlan(key)) return std::move(*found);
  std::vector<std::string> warnings;
  auto plan = guarded<plan::PlanT>(*module, spec.text("model.name"), warnings,
                                   [&] { return planModule(*module, options); });
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(plan::Plan::Pack(builder, &plan));
  auto bytes = std::as_bytes(std::span(builder.GetBufferPointer(), builder.GetSize()));
  cache.storePlan(key, bytes);
  return {bytes.begin(), bytes.end()};
}

std::vector<std::byte> compileModule(MLIRContext &context, ModuleOp module, const std::string &name,
                                     const CompileOptions &options, CompileReport *report) {
  CompiledModule result;
  compile(module, name, options, result);
  if (report) *report = std::move(result.report);
  return std::move(result.artifact);
}

/// With a note on stderr.
static std::vector<std::byte> compileToRun(const ModelInput &input, const spec::Spec &spec,
                                           CompileOptions options = {},
                                           llvm::function_ref<Target()> chooseCard = cardTarget) {
  options.cache = input.cache;
  options.tuning = readTuningIf(input.tuning);
  Compiled compiled = compileSpec(spec, options, false, false, chooseCard);
  fmt::print(stderr, "{} {} in {}\n", compiled.fromCache ? "found in the compile cache:" : "compiled",
             input.path, formatDuration(compiled.seconds));
  return std::move(compiled.artifact);
}

std::vector<std::byte> artifactBytes(const ModelInput &input) {
  if (!input.isArtifact()) return compileToRun(input, input.spec());
  input.refuseChanges(/*runs=*/false);
  return readFile(input.path);
}

/// A spec's artifact for the card of this machine, which is made ready meanwhile. Throws without a card.
static std::unique_ptr<Program> loadOnCard(const ModelInput &input, const spec::Spec &spec) {
  cuda::EarlyStart early;
  CompileOptions options;
  options.planned = [&](const plan::PlanT &plan) {
    flatbuffers::FlatBufferBuilder builder;
    builder.Finish(plan::Plan::Pack(builder, &plan));
    early.expect(*flatbuffers::GetRoot<plan::Plan>(builder.GetBufferPointer()));
  };
  std::vector<std::byte> artifact =
      compileToRun(input, spec, options, [] { return Target::byName(cuda::machineTarget()); });
  early.finish();
  return Program::fromBytes(std::move(artifact), {}, input.path);
}

std::unique_ptr<Program> loadModel(const ModelInput &input, const std::optional<int> &threads) {
  if (!input.isArtifact()) {
    spec::Spec spec = input.spec();
    if (spec.text("run.device") == "cuda") return loadOnCard(input, spec);
    int wanted = threads ? *threads : int(spec.integer("run.threads"));
    return Program::fromBytes(compileToRun(input, spec), {wanted}, input.path);
  }
  input.refuseChanges(/*runs=*/true);
  return loadForRun(input.path, threads, input.device);
}

} // namespace drawloom::cli
