// What the benchmarks share.
#pragma once
#include "frontend/cli/Verbs.h"
#include "runtime/program/Program.h"
#include <functional>
#include <optional>
#include <string>

namespace drawloom::cli {

/// Options of every benchmark.
struct BenchOptions {
  std::optional<int> threads;
  int repeats = 5;
  size_t rows = 16; ///< of the breakdown
  bool json = false;
};
void addBenchOptions(CLI::App &app, BenchOptions &options);

/// Runs `body` once with every command timed; its seconds.
double profiled(Program &program, const std::function<void()> &body);

/// Median seconds of `repeats` runs after one that is not counted.
double medianSeconds(int repeats, const std::function<void()> &run);
/// The same for runs that say how long they took.
double medianOf(int repeats, const std::function<double()> &run);

/// Fills a float buffer with numbers in (-scale, scale) that look random but are always the same.
void fillUniform(std::span<float> values, uint64_t seed, float scale);

/// Time by label, as a table; "layers.3.x" and "layers.4.x" are one row. `functions` were run `runs` times
/// while profiling.
std::string breakdown(const Program &program, const std::vector<std::string> &functions, double seconds,
                      size_t most);

/// Adds the options of `bench attention` to its sub-command, and returns what runs it.
Run addBenchAttention(CLI::App &app);

} // namespace drawloom::cli
