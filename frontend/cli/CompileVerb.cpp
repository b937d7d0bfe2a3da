// drawloom compile: a spec to a .loom artifact, or to the IR of a phase.
#include "codegen/nvptx/EmitPtx.h"
#include "codegen/nvptx/Ptxas.h"
#include "frontend/build/BuildModel.h"
#include "frontend/cli/Model.h"
#include "frontend/cli/TuningFile.h"
#include "frontend/cli/Verbs.h"
#include "passes/Pipelines.h"
#include "runtime/artifact/Artifact.h"
#include "runtime/program/Memory.h"
#include "runtime/support/File.h"
#include "runtime/support/Format.h"
#include <filesystem>

namespace drawloom::cli {
namespace {

struct Options {
  ModelInput input;
  std::string output, target = "native", emit = "loom", stopAfter, dumpPhases;
  bool print = false, locations = false, json = false, verifyEach = false;
  int optLevel = 2;
};

std::string phaseNames() {
  std::string text = "model";
  for (const Phase &p : phases()) text += "|" + p.name.str();
  return text;
}

/// What an artifact holds of the code: "1.2 MiB of code", for a GPU "1.2 MiB of PTX, assembled: 300 KiB".
std::string codeText(const CompileReport &report, const std::string &target) {
  std::string size = formatBytes(report.codeBytes);
  if (target == "x86_64") return size + " of code";
  if (report.cubinBytes == 0) return size + " of PTX, which the driver will assemble: there is no ptxas here";
  return size + " of PTX, assembled: " + formatBytes(report.cubinBytes);
}

nlohmann::ordered_json resourcesJson(const CompileReport &report) {
  auto list = nlohmann::ordered_json::array();
  for (const KernelResources &k : report.resources)
    list.push_back({{"kernel", k.kernel},
                    {"registers", k.registers},
                    {"barriers", k.barriers},
                    {"stack_bytes", k.stackBytes},
                    {"spill_bytes", k.spillStores + k.spillLoads}});
  return list;
}

/// Writes the code of a GPU artifact instead of the artifact: its modules as one.
void writeCode(const Options &o, const Artifact &artifact) {
  std::vector<llvm::StringRef> modules; // without their NULs
  for (const CodeModule &m : artifact.modules())
    modules.emplace_back(reinterpret_cast<const char *>(m.ptx.data()), m.ptx.size() - 1);
  std::string ptx = joinPtx(modules);
  if (o.emit == "ptx") return drawloom::writeFileAtomically(o.output, ptx);
  std::optional<std::string> ptxas = findPtxas();
  if (!ptxas)
    failWithHint(kFailed, "install ptxas, or name it in DRAWLOOM_PTXAS", "there is no cubin in the artifact");
  Cubin cubin = assemble(*ptxas, ptx, artifact.plan().target()->str(), o.input.cache);
  drawloom::writeFileAtomically(o.output, std::span<const std::byte>(cubin.bytes));
}

void report(const Options &o, const spec::Spec &spec, const Compiled &compiled) {
  Artifact artifact = Artifact::fromBytes(compiled.artifact, o.output);
  Network net = makeNetwork(spec);
  std::string target = artifact.plan().target()->str();
  if (o.json) {
    nlohmann::ordered_json json{{"artifact", o.output},
                                {"bytes", compiled.artifact.size()},
                                {"parameters", net.parameterCount()},
                                {"kernels", compiled.report.kernels},
                                {"code_bytes", compiled.report.codeBytes},
                                {"memory_bytes", bytesWithoutState(artifact.plan())},
                                {"target", target},
                                {"seconds", compiled.seconds},
                                {"cached", compiled.fromCache}};
    if (target != "x86_64") json["cubin_bytes"] = compiled.report.cubinBytes;
    if (target != "x86_64") json["resources"] = resourcesJson(compiled.report);
    for (auto &[what, ms] : compiled.report.milliseconds) json["milliseconds"][what] = ms;
    fmt::print("{}\n", json.dump(2));
    return;
  }
  fmt::print("{}: {}, {} parameters, {} kernels ({}), {} memory when it runs\n", o.output,
             formatBytes(compiled.artifact.size()), formatCount(double(net.parameterCount())),
             compiled.report.kernels, codeText(compiled.report, target),
             formatBytes(bytesWithoutState(artifact.plan())));
  if (compiled.fromCache) {
    fmt::print("found in the compile cache in {}\n", formatDuration(compiled.seconds));
    return;
  }
  std::string times;
  for (auto &[what, ms] : compiled.report.milliseconds)
    times += fmt::format("{}{} {}", times.empty() ? "" : ", ", what, formatDuration(ms / 1e3));
  fmt::print("compiled in {} ({})\n", formatDuration(compiled.seconds), times);
}

/// A target that was named must be the device's.
void checkTarget(const std::string &name, const Target &target, const spec::Spec &spec) {
  const std::string &device = spec.text("run.device");
  if (name == "native" || target.isGpu() == (device == "cuda")) return;
  failWithHint(kUsage,
               fmt::format("leave out --target, or give --device {}", target.isGpu() ? "cuda" : "cpu"),
               "--target {} is no target of run.device = \"{}\"", name, device);
}

int run(const Options &given) {
  Options o = given;
  Target target = o.target == "native" ? Target::native() : Target::byName(o.target);
  if (target.isGpu() && o.input.device.empty()) o.input.device = "cuda";
  spec::Spec spec = o.input.spec();
  checkTarget(o.target, target, spec);
  if (o.emit != "loom" && !target.isGpu())
    failWithHint(kUsage, "give a GPU, as in --target sm_90a", "--emit={} is for GPUs, {} is none", o.emit,
                 target.name);
  if (o.stopAfter == "model") {
    auto context = makeContext();
    auto module = buildModel(*context, spec);
    module->print(llvm::outs(), mlir::OpPrintingFlags().enableDebugInfo(o.locations));
    return kSuccess;
  }
  CompileOptions options;
  options.target = target;
  options.stopAfter = o.stopAfter;
  options.dumpPhases = o.dumpPhases;
  options.optLevel = o.optLevel;
  options.verifyEach = o.verifyEach;
  options.cache = o.input.cache;
  options.tuning = readTuningIf(o.input.tuning);
  if (o.output.empty()) o.output = spec.text("model.name") + "." + o.emit;
  bool printIr = o.print || !o.stopAfter.empty();
  Compiled compiled = compileSpec(spec, options, printIr, o.locations);
  if (printIr) fmt::print("{}", compiled.ir);
  if (!o.stopAfter.empty()) return kSuccess;
  if (o.emit == "loom")
    drawloom::writeFileAtomically(o.output, std::span<const std::byte>(compiled.artifact));
  else
    writeCode(o, Artifact::fromBytes(compiled.artifact, o.output));
  if (!printIr) report(o, spec, compiled);
  return kSuccess;
}

} // namespace

Run addCompile(CLI::App &app) {
  auto o = std::make_shared<Options>();
  app.description("Example:  drawloom compile models/demo-text.toml -o demo.loom\n"
                  "          drawloom compile models/demo-text.toml --target sm_90a --emit=ptx\n"
                  "          drawloom compile models/demo-text.toml --stop-after=graph | less\n\n"
                  "Compile a model spec to an artifact that `drawloom train` and `drawloom-run` (which holds "
                  "no compiler) run.");
  addModelInput(app, o->input, false);
  addTuning(app, o->input.tuning);
  app.add_option("-o,--output", o->output,
                 "the artifact; default: NAME.loom (NAME.ptx, NAME.cubin) in the current folder")
      ->option_text("FILE");
  std::vector<std::string> targets = Target::names();
  if (std::ranges::find(targets, "native") == targets.end()) targets.insert(targets.begin(), "native");
  app.add_option("--target", o->target,
                 "machines to compile for; native: this one's processor. Results have the same bits on all "
                 "processors")
      ->check(CLI::IsMember(targets))
      ->option_text(fmt::format("{} [native]", fmt::join(targets, "|")));
  std::vector<std::string> names{"model"};
  for (const Phase &p : phases()) names.push_back(p.name.str());
  app.add_option("--emit", o->emit, "what to write: the artifact, or only a GPU's code")
      ->check(CLI::IsMember({"loom", "ptx", "cubin"}))
      ->option_text("loom|ptx|cubin [loom]");
  app.add_option("--stop-after", o->stopAfter,
                 "print the IR after this phase and stop; model: the graph before any pass")
      ->check(CLI::IsMember(names))
      ->option_text(phaseNames());
  app.add_option("--dump-phases", o->dumpPhases, "write the IR after each phase to this folder")
      ->option_text("FOLDER");
  app.add_flag("--print", o->print, "print the final IR");
  app.add_flag("--locations", o->locations, "print where each op comes from in the spec");
  app.add_flag("--verify-each", o->verifyEach, "verify the IR after every pass");
  app.add_option("--opt-level", o->optLevel, "of the code generator")
      ->check(CLI::Range(0, 3))
      ->option_text("0..3 [2]");
  app.add_flag("--json", o->json, "report as JSON");
  return [o] { return run(*o); };
}

} // namespace drawloom::cli
