// What a person sees of a training run, on stderr: one line that is rewritten on a terminal, a line every few
// seconds elsewhere.
#pragma once
#include "runtime/support/Clock.h"
#include "runtime/train/StepRunner.h"
#include <cstdio>
#include <string>

namespace drawloom {

/// Mean loss and speed since it was last cleared.
struct Window {
  double nllSum = 0, seconds = 0;
  int64_t steps = 0;
  void add(double nll, double stepSeconds) {
    nllSum += nll;
    seconds += stepSeconds;
    ++steps;
  }
  double nll() const { return nllSum / double(steps); }
  double stepSeconds() const { return seconds / double(steps); }
};

/// What does not change during a run.
struct ProgressSetup {
  int64_t steps = 0; // when the run ends
  double tokensPerStep = 0, flopsPerStep = 0;
  double peakGflops = 0; // 0: unknown
  bool quiet = false;
  std::string bits = "bits/byte"; // unit of the loss
};

class Progress {
public:
  /// `stream` decides by isatty.
  Progress(const ProgressSetup &setup, FILE *stream = stderr);
  ~Progress() { endLine(); }

  /// After every step. `secondsLeft` < 0: estimate from the steps that are left.
  void step(int64_t done, const StepResult &result, double stepSeconds, double budgetLeft);
  /// A line that stays.
  void note(const std::string &text);
  /// Leaves the rewritten line as it stands.
  void endLine();

private:
  std::string line(int64_t done, const StepResult &result, double budgetLeft) const;
  ProgressSetup setup;
  FILE *stream;
  bool terminal, open = false, first = true;
  Window window;
  Stopwatch sinceLine;
};

} // namespace drawloom
