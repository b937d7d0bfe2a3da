// drawloom bench: a whole training step, timed and set against the machine's own GEMM rate.
#include "frontend/build/Cost.h"
#include "frontend/cli/Bench.h"
#include "frontend/cli/Model.h"
#include "frontend/cli/Table.h"
#include "frontend/cli/Tune.h"
#include "frontend/cli/Verbs.h"
#include "runtime/abi/Abi.h"
#include "runtime/program/Memory.h"
#include "runtime/support/Clock.h"
#include "runtime/support/Format.h"
#include "runtime/train/InitialWeights.h"
#include <numeric>

namespace drawloom::cli {
namespace {

//===-- a training step
//-------------------------------------------------------------------------------------------===//

struct StepOptions : BenchOptions {
  ModelInput input;
  std::string tune; ///< a file to write
};

/// Initial weights and a batch of random bytes: the time of a step does not depend on them.
void prepareStep(Program &program, int64_t seed) {
  initializeWeights(program.parameters(), uint64_t(seed));
  program.upload(plan::Arena::Parameters);
  ProgramAdapter adapter(program);
  resetOptimizer(adapter);
  auto tokens = program.view<int32_t>(abi::io::kTokens), targets = program.view<int32_t>(abi::io::kTargets);
  std::vector<float> noise(tokens.size());
  fillUniform(noise, 3, 127.5f);
  for (size_t k = 0; k < tokens.size(); ++k) tokens[k] = targets[k] = int32_t(noise[k] + 127.5f);
  auto weights = program.view<float>(abi::io::kLossWeights);
  std::ranges::fill(weights, 1.0f / float(weights.size()));
  auto rng = program.view<int64_t>(abi::io::kRng);
  rng[0] = seed, rng[1] = 0;
  auto hyper = program.view<float>(abi::io::kHyper);
  std::ranges::fill(hyper, 0.0f);
  hyper[abi::kLearningRate] = 1e-4f;
  hyper[abi::kBeta1] = 0.9f, hyper[abi::kBeta2] = 0.999f, hyper[abi::kEpsilon] = 1e-8f;
  hyper[abi::kBiasCorrection1] = hyper[abi::kBiasCorrection2] = 1;
  hyper[abi::kClipNorm] = hyper[abi::kGradScale] = 1;
}

/// Of the last step, in nats a token. Every step trains, so it depends on all gradients of the steps before.
double meanLoss(const Program &program) {
  auto nll = program.view<float>(abi::io::kNll);
  return std::accumulate(nll.begin(), nll.end(), 0.0) / double(nll.size());
}

/// The attention kernels of a gradient, by their profiled times.
TuningRun runForTuning(const spec::Spec &spec, bool cache, int repeats, const Tuning &tuning,
                       std::string &card) {
  CompileOptions options;
  options.cache = cache;
  options.tuning = tuning;
  Compiled compiled = compileSpec(spec, options);
  auto program = Program::fromBytes(std::move(compiled.artifact), {}, spec.text("model.name"));
  card = program->deviceName();
  prepareStep(*program, 1);
  program->run("gradient");
  profiled(*program, [&] {
    for (int k = 0; k < repeats; ++k) program->run("gradient");
  });
  TuningRun result{0, 0, std::move(compiled.report.choices)};
  for (const CommandTiming &t : program->timings("gradient")) {
    double seconds = double(t.nanoseconds) * 1e-9 / repeats;
    if (t.action.starts_with("attend_grad") || t.action.find("attention_delta") != t.action.npos)
      result.backwardSeconds += seconds;
    else if (t.action.starts_with("attend"))
      result.forwardSeconds += seconds;
  }
  return result;
}

/// Tunes the model's kernels, and has `input` use what was found.
void tuneStep(const StepOptions &o, ModelInput &input) {
  spec::Spec spec = input.spec();
  prepareTuning(o.tune, spec.text("run.device") == "cuda");
  std::string card;
  std::vector<Tuned> tuned =
      tune([&](const Tuning &tuning) { return runForTuning(spec, input.cache, o.repeats, tuning, card); });
  finishTuning(o.tune, card, tuned);
  input.tuning = o.tune;
}

int runStep(StepOptions o) {
  if (!o.tune.empty()) tuneStep(o, o.input);
  auto program = loadModel(o.input, o.threads);
  auto json = nlohmann::ordered_json::parse(program->specJson());
  int64_t batch = json["data"]["batch"], n = json["model"]["n"], accumulation = json["train"]["accumulation"];
  prepareStep(*program, 1);
  auto rng = program->view<int64_t>(abi::io::kRng);
  auto step = [&] {
    for (int64_t k = 0; k < accumulation; ++k) {
      ++rng[1];
      program->run("gradient");
    }
    program->run("update");
  };
  double peakBefore = program->denseGflops();
  double seconds = medianSeconds(o.repeats, step);
  double peak = std::max(peakBefore, program->denseGflops());
  double flops = double(accumulation) * double(program->functionFlops("gradient")) +
                 double(program->functionFlops("update"));
  double tokens = double(accumulation * batch * n), gflops = flops / seconds * 1e-9;
  uint64_t measured = program->measuredBytes();
  double profiledSeconds = profiled(*program, step);
  if (o.json) {
    nlohmann::ordered_json out{{"model", json["model"]["name"]},
                               {"recompute", json["memory"]["recompute"]},
                               {"n", n},
                               {"batch", batch},
                               {"accumulation", accumulation},
                               {"threads", program->threads()},
                               {"ms", seconds * 1e3},
                               {"tokens_per_second", tokens / seconds},
                               {"gflops", gflops},
                               {"gemm_gflops", peak},
                               {"share_of_gemm", gflops / peak},
                               {"loss", meanLoss(*program)},
                               {"arena_bytes", bytesWithoutState(program->plan())},
                               {"memory_bytes", program->plannedBytes()},
                               {"measured_memory_bytes", measured},
                               {"commands", nlohmann::ordered_json::array()}};
    for (const char *f : {"gradient", "update"})
      for (const CommandTiming &t : program->timingsByLabel(f))
        out["commands"].push_back({{"function", f},
                                   {"label", t.label},
                                   {"action", t.action},
                                   {"ms", double(t.nanoseconds) * 1e-6},
                                   {"calls", t.calls},
                                   {"flops", t.flops},
                                   {"bytes", t.bytes}});
    fmt::print("{}\n", out.dump(2));
    return kSuccess;
  }
  std::string where = program->device() == DeviceKind::Cpu
                          ? fmt::format("with {} threads", program->threads())
                          : "on " + program->deviceName();
  fmt::print("{}: a training step of {} tokens takes {} {} ({} tokens/s)\n",
             json["model"]["name"].get<std::string>(), tokens, formatDuration(seconds), where,
             formatCount(tokens / seconds));
  fmt::print("{}FLOP/s, attention by exact pairs: {:.0f} % of this machine's dense GEMM in the same run "
             "({}FLOP/s)\n",
             formatCount(gflops * 1e9), 100 * gflops / peak, formatCount(peak * 1e9));
  fmt::print("memory {}{}\n\n{}", formatBytes(program->plannedBytes()),
             measured ? fmt::format(" planned, {} measured", formatBytes(measured)) : "",
             breakdown(*program, {"gradient", "update"}, profiledSeconds, o.rows));
  return kSuccess;
}

} // namespace

Run addBench(CLI::App &app) {
  app.description("Example:  drawloom bench step models/enwik8-small.toml\n"
                  "          drawloom bench attention 'fixed(128, c=32)' --n 4096 --heads 4 --head-dim 64\n\n"
                  "Measure a training step or attention alone.");
  app.require_subcommand(1);
  auto step = std::make_shared<StepOptions>();
  CLI::App *stepApp = app.add_subcommand("step", "a training step of a model");
  stepApp->description("Example:  drawloom bench step models/enwik8-small.toml --threads 2\n\n"
                       "Time whole training steps (gradient and update) on random bytes; show the rate, the "
                       "share of a dense GEMM's rate measured\n"
                       "in the same run, and where the time goes.");
  addModelInput(*stepApp, step->input, true);
  addTuning(*stepApp, step->input.tuning);
  addTune(*stepApp, step->tune);
  addBenchOptions(*stepApp, *step);
  CLI::App *attentionApp = app.add_subcommand("attention", "attention alone, forward and backward");
  Run runAttention = addBenchAttention(*attentionApp);
  return [step, stepApp, runAttention] { return *stepApp ? runStep(*step) : runAttention(); };
}

} // namespace drawloom::cli
