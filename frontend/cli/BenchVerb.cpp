// drawloom bench: a whole training step, or attention alone, timed and set against the machine's own GEMM
// rate.
#include "frontend/build/BuildModel.h"
#include "frontend/build/Cost.h"
#include "frontend/cli/Bench.h"
#include "frontend/cli/Model.h"
#include "frontend/cli/PatternPicture.h"
#include "frontend/cli/Table.h"
#include "frontend/cli/Verbs.h"
#include "runtime/abi/Abi.h"
#include "runtime/support/Clock.h"
#include "runtime/support/Format.h"
#include "runtime/train/InitialWeights.h"

namespace drawloom::cli {
namespace {

struct Common {
  std::optional<int> threads;
  int repeats = 5;
  size_t rows = 16;
  bool json = false;
};

void addCommon(CLI::App &app, Common &c) {
  app.add_option("--threads", c.threads, "0: one a core")
      ->check(CLI::NonNegativeNumber)
      ->option_text("COUNT");
  app.add_option("--repeats", c.repeats, "timed runs; the median counts")
      ->check(CLI::Range(1, 10000))
      ->option_text("COUNT [5]");
  app.add_option("--rows", c.rows, "rows of the breakdown")->option_text("COUNT [16]");
  app.add_flag("--json", c.json, "as JSON");
}

/// Runs `body` once with every command timed; its seconds.
double profiled(Program &program, const std::function<void()> &body) {
  program.clearTimings();
  program.setProfiling(true);
  Stopwatch watch;
  body();
  double seconds = watch.seconds();
  program.setProfiling(false);
  return seconds;
}

//===-- a training step
//-------------------------------------------------------------------------------------------===//

struct StepOptions : Common {
  ModelInput input;
};

/// Initial weights and a batch of random bytes: the time of a step does not depend on them.
void prepareStep(Program &program, int64_t seed) {
  initializeWeights(program.parameters(), uint64_t(seed));
  resetOptimizer(program.parameters());
  for (auto arena : {plan::Arena::Parameters, plan::Arena::Gradients, plan::Arena::Optimizer})
    program.upload(arena);
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

int runStep(const StepOptions &o) {
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
  double profiledSeconds = profiled(*program, step);
  if (o.json) {
    nlohmann::ordered_json out{{"model", json["model"]["name"]},
                               {"n", n},
                               {"batch", batch},
                               {"accumulation", accumulation},
                               {"threads", program->threads()},
                               {"ms", seconds * 1e3},
                               {"tokens_per_second", tokens / seconds},
                               {"gflops", gflops},
                               {"gemm_gflops", peak},
                               {"share_of_gemm", gflops / peak},
                               {"memory_bytes", program->plannedBytes()},
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
  fmt::print("{}: a training step of {} tokens takes {} with {} threads ({} tokens/s)\n",
             json["model"]["name"].get<std::string>(), tokens, formatDuration(seconds), program->threads(),
             formatCount(tokens / seconds));
  fmt::print("{:.1f} GFLOP/s, attention by exact pairs: {:.0f} % of this machine's dense GEMM in the same "
             "run ({:.1f})\n",
             gflops, 100 * gflops / peak, peak);
  fmt::print("memory {}\n\n{}", formatBytes(program->plannedBytes()),
             breakdown(*program, {"gradient", "update"}, profiledSeconds, o.rows));
  return kSuccess;
}

//===-- attention alone
//-------------------------------------------------------------------------------------------===//

struct AttentionOptions : Common {
  std::string pattern;
  int64_t n = 4096, heads = 4, headDim = 64, valueDim = 0, batch = 1;
};

int runAttention(const AttentionOptions &o) {
  Pattern pattern = parsePatternArgument(o.pattern);
  int64_t dv = o.valueDim ? o.valueDim : o.headDim;
  auto context = makeContext();
  auto module = buildAttention(
      *context, {pattern.spelling(), o.batch, o.n, o.heads, o.heads * o.headDim, o.heads * dv});
  auto program =
      Program::fromBytes(compileModule(*context, *module, "attention"), {o.threads.value_or(0)}, "attention");
  uint64_t seed = 1;
  for (const char *name : {"q", "k", "v", "dout"}) fillUniform(program->view<float>(name), seed++, 1);
  // The device's own time: the copies that a card makes of the operands belong to no layer of a model.
  auto forward = [&] { return program->measure("attention"); };
  auto backward = [&] { return program->measure("attention_grad"); };
  double peakBefore = program->denseGflops();
  double forwardSeconds = medianOf(o.repeats, forward), backwardSeconds = medianOf(o.repeats, backward);
  double peak = std::max(peakBefore, program->denseGflops());
  double pairs = double(o.batch) * double(pattern.countPairs(o.n, o.heads));
  // Two operations a multiply-add. Forward: q k, p v. Backward: q k and dout v again, then dq, dk and dv.
  double forwardGflops = 2 * pairs * double(o.headDim + dv) / forwardSeconds * 1e-9;
  double backwardGflops = 2 * pairs * double(3 * o.headDim + 2 * dv) / backwardSeconds * 1e-9;
  if (o.json) {
    nlohmann::ordered_json out{{"pattern", pattern.spelling()},
                               {"n", o.n},
                               {"batch", o.batch},
                               {"heads", o.heads},
                               {"head_dim", o.headDim},
                               {"value_dim", dv},
                               {"threads", program->threads()},
                               {"pairs", pairs},
                               {"forward_ms", forwardSeconds * 1e3},
                               {"backward_ms", backwardSeconds * 1e3},
                               {"forward_gflops", forwardGflops},
                               {"backward_gflops", backwardGflops},
                               {"gemm_gflops", peak},
                               {"forward_share_of_gemm", forwardGflops / peak},
                               {"backward_share_of_gemm", backwardGflops / peak}};
    fmt::print("{}\n", out.dump(2));
    return kSuccess;
  }
  fmt::print("{}, n {}, batch {}, {} heads of {}{}, {} threads: {} pairs\n\n", pattern.spelling(), o.n,
             o.batch, o.heads, o.headDim, dv == o.headDim ? "" : fmt::format(" (values {})", dv),
             program->threads(), formatCount(pairs));
  Table table({"", "time", "GFLOP/s on exact pairs", "of dense GEMM"});
  auto row = [&](const char *name, double s, double g) {
    table.add({name, formatDuration(s), fmt::format("{:.1f}", g), fmt::format("{:.0f} %", 100 * g / peak)});
  };
  row("forward", forwardSeconds, forwardGflops);
  row("backward", backwardSeconds, backwardGflops);
  fmt::print("{}dense GEMM in the same run: {:.1f} GFLOP/s\n\n", table.text(), peak);
  double seconds = profiled(*program, [&] { program->run("attention"), program->run("attention_grad"); });
  fmt::print("{}", breakdown(*program, {"attention", "attention_grad"}, seconds, o.rows));
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
  addCommon(*stepApp, *step);
  auto attention = std::make_shared<AttentionOptions>();
  CLI::App *attentionApp = app.add_subcommand("attention", "attention alone, forward and backward");
  attentionApp->description(
      "Example:  drawloom bench attention 'strided(128)' --n 12288 --heads 8 --head-dim 64\n\n"
      "Compile one attention layer's core for a pattern and time it, forward and backward.");
  attentionApp->add_option("PATTERN", attention->pattern, "in the pattern language")
      ->required()
      ->option_text(" ");
  auto size = CLI::Range(int64_t(1), int64_t(1) << 24);
  attentionApp->add_option("--n", attention->n, "positions")->check(size)->option_text("POSITIONS [4096]");
  attentionApp->add_option("--heads", attention->heads, "attention heads")
      ->check(size)
      ->option_text("COUNT [4]");
  attentionApp->add_option("--head-dim", attention->headDim, "channels of a head's queries and keys")
      ->check(size)
      ->option_text("CHANNELS [64]");
  attentionApp
      ->add_option("--value-dim", attention->valueDim, "channels of a head's values; default: as --head-dim")
      ->check(size)
      ->option_text("CHANNELS");
  attentionApp->add_option("--batch", attention->batch, "sequences")->check(size)->option_text("COUNT [1]");
  addCommon(*attentionApp, *attention);
  return [step, stepApp, attention] { return *stepApp ? runStep(*step) : runAttention(*attention); };
}

} // namespace drawloom::cli
