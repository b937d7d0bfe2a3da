// drawloom compile: a spec to a .loom artifact, or to the IR of a phase.
#include "frontend/build/BuildModel.h"
#include "frontend/cli/Model.h"
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
  std::string output, target = "native", stopAfter, dumpPhases;
  bool print = false, locations = false, json = false, verifyEach = false;
  int optLevel = 2;
};

std::string phaseNames() {
  std::string text = "model";
  for (const Phase &p : phases()) text += "|" + p.name.str();
  return text;
}

void report(const Options &o, const spec::Spec &spec, const Compiled &compiled) {
  Artifact artifact = Artifact::fromBytes(compiled.artifact, o.output);
  Network net = makeNetwork(spec);
  if (o.json) {
    nlohmann::ordered_json json{{"artifact", o.output},
                                {"bytes", compiled.artifact.size()},
                                {"parameters", net.parameterCount()},
                                {"kernels", compiled.report.kernels},
                                {"code_bytes", compiled.report.codeBytes},
                                {"memory_bytes", totalArenaBytes(artifact.plan())},
                                {"seconds", compiled.seconds}};
    for (auto &[what, ms] : compiled.report.milliseconds) json["milliseconds"][what] = ms;
    fmt::print("{}\n", json.dump(2));
    return;
  }
  fmt::print("{}: {}, {} parameters, {} kernels ({} of code), {} memory when it runs\n", o.output,
             formatBytes(compiled.artifact.size()), formatCount(double(net.parameterCount())),
             compiled.report.kernels, formatBytes(compiled.report.codeBytes),
             formatBytes(totalArenaBytes(artifact.plan())));
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
  if (o.output.empty()) o.output = spec.text("model.name") + ".loom";
  bool printIr = o.print || !o.stopAfter.empty();
  Compiled compiled = compileSpec(spec, options, printIr, o.locations);
  if (printIr) fmt::print("{}", compiled.ir);
  if (!o.stopAfter.empty()) return kSuccess;
  drawloom::writeFileAtomically(o.output, std::span<const std::byte>(compiled.artifact));
  if (!printIr) report(o, spec, compiled);
  return kSuccess;
}

} // namespace

Run addCompile(CLI::App &app) {
  auto o = std::make_shared<Options>();
  app.description("Example:  drawloom compile models/demo-text.toml -o demo.loom\n"
                  "          drawloom compile models/demo-text.toml --stop-after=graph | less\n\n"
                  "Compile a model spec to an artifact that `drawloom train` and `drawloom-run` (which holds "
                  "no compiler) run.");
  addModelInput(app, o->input, false);
  app.add_option("-o,--output", o->output, "the artifact; default: NAME.loom in the current folder")
      ->option_text("FILE");
  std::vector<std::string> targets = Target::names();
  if (std::ranges::find(targets, "native") == targets.end()) targets.insert(targets.begin(), "native");
  app.add_option("--target", o->target,
                 "machines to compile for; native: this one. Results have the same bits on all")
      ->check(CLI::IsMember(targets))
      ->option_text(fmt::format("{} [native]", fmt::join(targets, "|")));
  std::vector<std::string> names{"model"};
  for (const Phase &p : phases()) names.push_back(p.name.str());
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
