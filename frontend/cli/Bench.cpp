#include "frontend/cli/Bench.h"
#include "frontend/cli/Table.h"
#include "runtime/abi/Philox.h"
#include "runtime/support/Clock.h"
#include "runtime/support/Format.h"
#include <algorithm>
#include <map>

namespace drawloom::cli {

void addBenchOptions(CLI::App &app, BenchOptions &c) {
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

double medianSeconds(int repeats, const std::function<void()> &run) {
  return medianOf(repeats, [&] {
    Stopwatch watch;
    run();
    return watch.seconds();
  });
}

double medianOf(int repeats, const std::function<double()> &run) {
  run();
  std::vector<double> times;
  for (int k = 0; k < repeats; ++k) times.push_back(run());
  std::ranges::nth_element(times, times.begin() + times.size() / 2);
  return times[times.size() / 2];
}

void fillUniform(std::span<float> values, uint64_t seed, float scale) {
  for (size_t k = 0; k < values.size(); k += 4) {
    auto words = abi::philoxBlock(seed, 0, 0, uint32_t(k / 4));
    for (size_t e = 0; e < 4 && k + e < values.size(); ++e)
      values[k + e] = scale * (float(words[e]) * 0x1p-31f - 1);
  }
}

namespace {

/// "layers.12.attention + layers.13.norm1" as "layers.*.attention + layers.*.norm1".
std::string withoutLayers(std::string_view label) {
  constexpr std::string_view layers = "layers.";
  std::string out;
  for (size_t at; (at = label.find(layers)) != label.npos;) {
    out += label.substr(0, at + layers.size());
    label.remove_prefix(at + layers.size());
    size_t digits = std::min(label.find_first_not_of("0123456789"), label.size());
    if (digits) out += '*';
    label.remove_prefix(digits);
  }
  return out += label;
}

} // namespace

std::string breakdown(const Program &program, const std::vector<std::string> &functions, double seconds,
                      size_t most) {
  struct Row {
    uint64_t calls = 0, nanoseconds = 0;
    double flops = 0, bytes = 0;
  };
  std::map<std::string, Row> rows;
  for (const std::string &f : functions)
    for (const CommandTiming &t : program.timings(f)) {
      Row &r = rows[fmt::format("{} {}: {}", f, withoutLayers(t.label), t.action)];
      r.calls += t.calls;
      r.nanoseconds += t.nanoseconds;
      r.flops += double(t.flops) * double(t.calls);
      r.bytes += double(t.bytes) * double(t.calls);
    }
  std::vector<std::pair<std::string, Row>> sorted(rows.begin(), rows.end());
  std::ranges::sort(sorted, [](auto &a, auto &b) { return a.second.nanoseconds > b.second.nanoseconds; });
  Table table({"where the time goes", "share", "time", "calls", "GFLOP/s", "GB/s"});
  for (size_t k = 0; k < sorted.size() && k < most; ++k) {
    auto &[label, r] = sorted[k];
    double s = double(r.nanoseconds) * 1e-9;
    auto rate = [&](double x) {
      return x > 0 && s > 0 ? fmt::format("{:.1f}", x / s * 1e-9) : std::string("-");
    };
    table.add({label, fmt::format("{:.1f} %", 100 * s / seconds), formatDuration(s),
               fmt::format("{}", r.calls), rate(r.flops), rate(r.bytes)});
  }
  std::string text = table.text();
  if (sorted.size() > most) text += fmt::format("and {} more\n", sorted.size() - most);
  return text;
}

} // namespace drawloom::cli
