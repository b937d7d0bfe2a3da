// Choosing cuts of kernels by measuring them.
#pragma once
#include "frontend/cli/TuningFile.h"

namespace drawloom::cli {

/// What attention took in a run, and what could be chosen for its kernels.
struct TuningRun {
  double forwardSeconds = 0, backwardSeconds = 0;
  std::vector<KernelChoice> choices;
};

/// Tries the cuts of each problem, one problem after the other, with `run`, which compiles with a tuning and
/// measures; keeps the fastest one if it is more than 1 % faster than the cost model's when both are measured
/// again in turn. A cut with which `run` throws is left out. Says on stderr what it finds, and returns it.
std::vector<Tuned> tune(const std::function<TuningRun(const Tuning &)> &run);

/// Before anything is measured: throws Error if there is nothing to measure on, or the file cannot be written
/// or holds something else. Leaves a tuning file there.
void prepareTuning(const std::string &path, bool isOnCard);

/// Writes the file and says so.
void finishTuning(const std::string &path, const std::string &card, const std::vector<Tuned> &tuned);

/// Adds --tune FILE, after --tuning.
void addTune(CLI::App &app, std::string &path);

} // namespace drawloom::cli
