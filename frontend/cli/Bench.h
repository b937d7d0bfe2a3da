// What the benchmarks share.
#pragma once
#include "runtime/program/Program.h"
#include <functional>
#include <string>

namespace drawloom::cli {

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

} // namespace drawloom::cli
