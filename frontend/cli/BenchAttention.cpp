// drawloom bench attention: attention alone, forward and backward, timed and set against the machine's own
// GEMM rate.
#include "frontend/build/BuildModel.h"
#include "frontend/cli/Bench.h"
#include "frontend/cli/Model.h"
#include "frontend/cli/PatternPicture.h"
#include "frontend/cli/Table.h"
#include "frontend/cli/Tune.h"
#include "runtime/abi/Philox.h"
#include "runtime/support/Format.h"
#include <bit>

namespace drawloom::cli {
namespace {

struct AttentionOptions : BenchOptions {
  std::string pattern, device = "cpu", precision;
  std::string tune, tuning; ///< files to write and to read
  int64_t n = 4096, heads = 4, headDim = 64, valueDim = 0, batch = 1, copies = 0;
  bool cache = true;
};

/// Operands of one run of a function: more than any cache of a card holds, so that times are those of memory.
constexpr double kRotatedBytes = 400e6;

int64_t elementBytes(const AttentionOptions &o) { return o.precision == "fp32" ? 4 : 2; }

int64_t chooseCopies(const AttentionOptions &o, int64_t dv) {
  if (o.copies) return o.copies;
  if (o.device == "cpu") return 1;
  double bytes = double(o.batch * o.n * o.heads * (2 * o.headDim + 2 * dv) * elementBytes(o));
  return std::clamp<int64_t>(int64_t(kRotatedBytes / bytes) + 1, 2, 16);
}

/// Numbers in (-1, 1) in the buffer's element type. bf16 and fp16 hold these values of 8 bits exactly.
void fill(const BufferRef &buffer, uint64_t seed) {
  uint64_t elements = 1;
  for (uint64_t extent : buffer.shape) elements *= extent;
  for (uint64_t k = 0; k < elements; k += 4) {
    auto words = abi::philoxBlock(seed, 0, 0, uint32_t(k / 4));
    for (uint64_t e = 0; e < 4 && k + e < elements; ++e) {
      float x = (float(words[e] >> 24) - 127.5f) / 128;
      if (buffer.dtype == plan::DType::F32)
        reinterpret_cast<float *>(buffer.data)[k + e] = x;
      else if (buffer.dtype == plan::DType::BF16)
        reinterpret_cast<uint16_t *>(buffer.data)[k + e] = uint16_t(std::bit_cast<uint32_t>(x) >> 16);
      else
        reinterpret_cast<_Float16 *>(buffer.data)[k + e] = _Float16(x);
    }
  }
}

void fillOperands(Program &program, int64_t copies) {
  uint64_t seed = 1;
  for (const char *name : {"q", "k", "v", "dout"})
    for (int64_t copy = 0; copy < copies; ++copy)
      fill(program.buffer(fmt::format("{}.{}", name, copy)), seed++);
  program.upload(plan::Arena::State);
}

struct Figures {
  double forwardSeconds, backwardSeconds, forwardGflops, backwardGflops, peak, pairs;
};

Figures measure(Program &program, const AttentionOptions &o, int64_t dv, int64_t copies, double pairs) {
  Figures f;
  f.pairs = pairs;
  // The device's own time: the copies that a card makes of the operands belong to no layer of a model.
  auto seconds = [&](const char *function) {
    return medianOf(o.repeats, [&] { return program.measure(function); }) / double(copies);
  };
  double peakBefore = program.denseGflops();
  f.forwardSeconds = seconds("attention");
  f.backwardSeconds = seconds("attention_grad");
  f.peak = std::max(peakBefore, program.denseGflops());
  // Two operations a multiply-add. Forward: q k, p v. Backward: q k and dout v again, then dq, dk and dv.
  f.forwardGflops = 2 * pairs * double(o.headDim + dv) / f.forwardSeconds * 1e-9;
  f.backwardGflops = 2 * pairs * double(3 * o.headDim + 2 * dv) / f.backwardSeconds * 1e-9;
  return f;
}

void printJson(const Program &program, const AttentionOptions &o, int64_t dv, int64_t copies,
               const Figures &f, const std::string &pattern) {
  nlohmann::ordered_json out{{"pattern", pattern},
                             {"n", o.n},
                             {"batch", o.batch},
                             {"heads", o.heads},
                             {"head_dim", o.headDim},
                             {"value_dim", dv},
                             {"precision", o.precision},
                             {"device", program.deviceName()},
                             {"threads", program.threads()},
                             {"copies", copies},
                             {"pairs", f.pairs},
                             {"forward_ms", f.forwardSeconds * 1e3},
                             {"backward_ms", f.backwardSeconds * 1e3},
                             {"forward_gflops", f.forwardGflops},
                             {"backward_gflops", f.backwardGflops},
                             {"gemm_gflops", f.peak},
                             {"forward_share_of_gemm", f.forwardGflops / f.peak},
                             {"backward_share_of_gemm", f.backwardGflops / f.peak}};
  fmt::print("{}\n", out.dump(2));
}

/// Compiles both functions, and fills their operands.
std::unique_ptr<Program> build(const AttentionOptions &o, const Pattern &pattern, int64_t dv, int64_t copies,
                               const std::optional<Tuning> &tuning, CompileReport *report = nullptr) {
  auto context = makeContext();
  auto module = buildAttention(*context, {pattern.spelling(), o.batch, o.n, o.heads, o.heads * o.headDim,
                                          o.heads * dv, o.precision, copies});
  CompileOptions options;
  if (o.device == "cuda") options.target = cardTarget();
  options.precision = o.precision;
  options.cache = o.cache;
  options.tuning = tuning;
  auto program = Program::fromBytes(compileModule(*context, *module, "attention", options, report),
                                    {o.threads.value_or(0)}, "attention");
  fillOperands(*program, copies);
  return program;
}

/// Writes the file o.tune and has o.tuning name it.
void tuneAttention(AttentionOptions &o, const Pattern &pattern, int64_t dv, int64_t copies) {
  prepareTuning(o.tune, o.device == "cuda");
  std::string card;
  std::vector<Tuned> tuned = tune([&](const Tuning &tuning) {
    CompileReport report;
    auto program = build(o, pattern, dv, copies, tuning, &report);
    card = program->deviceName();
    auto seconds = [&](const char *function) {
      return medianOf(o.repeats, [&] { return program->measure(function); }) / double(copies);
    };
    return TuningRun{seconds("attention"), seconds("attention_grad"), std::move(report.choices)};
  });
  finishTuning(o.tune, card, tuned);
  o.tuning = o.tune;
}

int run(AttentionOptions o) {
  Pattern pattern = parsePatternArgument(o.pattern);
  int64_t dv = o.valueDim ? o.valueDim : o.headDim;
  if (o.precision.empty()) o.precision = o.device == "cuda" ? "bf16" : "fp32";
  if (o.device == "cpu" && o.precision != "fp32")
    failWithHint(kUsage, "leave --precision out, or add --device cuda",
                 "--precision {}: kernels for the CPU compute in fp32", o.precision);
  int64_t copies = chooseCopies(o, dv);
  if (!o.tune.empty()) tuneAttention(o, pattern, dv, copies);
  auto program = build(o, pattern, dv, copies, readTuningIf(o.tuning));
  Figures f = measure(*program, o, dv, copies, double(o.batch) * double(pattern.countPairs(o.n, o.heads)));
  if (o.json) return printJson(*program, o, dv, copies, f, pattern.spelling()), kSuccess;
  fmt::print("{}, n {}, batch {}, {} heads of {}{}, {} on {}: {} pairs\n\n", pattern.spelling(), o.n, o.batch,
             o.heads, o.headDim, dv == o.headDim ? "" : fmt::format(" (values {})", dv), o.precision,
             program->deviceName(), formatCount(f.pairs));
  Table table({"", "time", "GFLOP/s on exact pairs", "of dense GEMM"});
  auto row = [&](const char *name, double s, double g) {
    table.add({name, formatDuration(s), fmt::format("{:.1f}", g), fmt::format("{:.0f} %", 100 * g / f.peak)});
  };
  row("forward", f.forwardSeconds, f.forwardGflops);
  row("backward", f.backwardSeconds, f.backwardGflops);
  fmt::print("{}dense GEMM in the same run: {:.1f} GFLOP/s\n\n", table.text(), f.peak);
  double seconds = profiled(*program, [&] { program->run("attention"), program->run("attention_grad"); });
  fmt::print("{}", breakdown(*program, {"attention", "attention_grad"}, seconds, o.rows));
  return kSuccess;
}

} // namespace

Run addBenchAttention(CLI::App &app) {
  auto o = std::make_shared<AttentionOptions>();
  app.description("Example:  drawloom bench attention 'strided(128)' --n 12288 --heads 8 --head-dim 64\n\n"
                  "Compile one attention layer's core for a pattern and time it, forward and backward.");
  app.add_option("PATTERN", o->pattern, "in the pattern language")->required()->option_text(" ");
  auto size = CLI::Range(int64_t(1), int64_t(1) << 24);
  app.add_option("--n", o->n, "positions")->check(size)->option_text("POSITIONS [4096]");
  app.add_option("--heads", o->heads, "attention heads")->check(size)->option_text("COUNT [4]");
  app.add_option("--head-dim", o->headDim, "channels of a head's queries and keys")
      ->check(size)
      ->option_text("CHANNELS [64]");
  app.add_option("--value-dim", o->valueDim, "channels of a head's values; default: as --head-dim")
      ->check(size)
      ->option_text("CHANNELS");
  app.add_option("--batch", o->batch, "sequences")->check(size)->option_text("COUNT [1]");
  app.add_option("--device", o->device, "what runs it")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->option_text("cpu|cuda [cpu]");
  app.add_option("--precision", o->precision, "element type; default: bf16 on cuda, fp32 on a CPU")
      ->check(CLI::IsMember({"fp32", "bf16", "fp16"}))
      ->option_text("fp32|bf16|fp16");
  app.add_option("--copies", o->copies,
                 "sets of operands that a run goes through; default: as many as exceed a card's cache")
      ->check(CLI::Range(1, 64))
      ->option_text("COUNT");
  addTuning(app, o->tuning);
  addTune(app, o->tune);
  addNoCache(app, o->cache);
  addBenchOptions(app, *o);
  return [o] { return run(*o); };
}

} // namespace drawloom::cli
