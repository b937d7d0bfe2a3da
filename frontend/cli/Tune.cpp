#include "frontend/cli/Tune.h"
#include "runtime/support/Error.h"
#include "runtime/support/Format.h"
#include <cmath>

namespace drawloom::cli {
namespace {

constexpr double kGain = 0.99; ///< of the best time: less is noise
constexpr int kTurns = 3;

/// A problem's kernel is a forward or a backward one.
double secondsOf(const TuningRun &run, const std::string &problem) {
  return problem.starts_with("attend_grad") ? run.backwardSeconds : run.forwardSeconds;
}

/// Measures the cost model's cut and the one that was found in turn: a cut that was the fastest of many may
/// have been lucky.
void confirm(const std::function<TuningRun(const Tuning &)> &run, const Tuning &best,
             const KernelChoice &choice, Tuned &result) {
  if (result.cut == choice.cuts.front()) return;
  Tuning found = best;
  found[choice.problem] = result.cut;
  double of[2] = {HUGE_VAL, HUGE_VAL};
  for (int turn = 0; turn < kTurns; ++turn)
    for (bool isFound : {false, true})
      of[isFound] = std::min(of[isFound], secondsOf(run(isFound ? found : best), choice.problem));
  result.modelSeconds = of[0], result.seconds = of[1];
  if (of[1] < of[0] * kGain) return;
  result.cut = choice.cuts.front(), result.seconds = of[0];
}

} // namespace

std::vector<Tuned> tune(const std::function<TuningRun(const Tuning &)> &run) {
  Tuning best;
  std::vector<Tuned> tuned;
  for (const KernelChoice &choice : run(best).choices) {
    Tuned &result = tuned.emplace_back(choice.problem, choice.cuts.front(), 0.0, 0.0);
    // Anew, since the problems before it have other cuts by now.
    result.modelSeconds = result.seconds = secondsOf(run(best), choice.problem);
    for (size_t k = 1; k < choice.cuts.size(); ++k) {
      Tuning tried = best;
      tried[choice.problem] = choice.cuts[k];
      try {
        double seconds = secondsOf(run(tried), choice.problem);
        fmt::print(stderr, "  {}: {}\n", choice.cuts[k], formatDuration(seconds));
        if (seconds < result.seconds * kGain) result.seconds = seconds, result.cut = choice.cuts[k];
      } catch (const Error &error) {
        fmt::print(stderr, "  {}: left out: {}\n", choice.cuts[k], error.text());
      }
    }
    confirm(run, best, choice, result);
    best[choice.problem] = result.cut;
    fmt::print(stderr, "{}: {} of {} cuts, {} (the cost model's: {})\n", choice.problem, result.cut,
               choice.cuts.size(), formatDuration(result.seconds), formatDuration(result.modelSeconds));
  }
  return tuned;
}

void prepareTuning(const std::string &path, bool isOnCard) {
  if (!isOnCard)
    failWithHint(kUsage, "add --device cuda", "--tune {}: only kernels for a GPU have cuts to tune", path);
  writeTuning(path, "", {});
}

void finishTuning(const std::string &path, const std::string &card, const std::vector<Tuned> &tuned) {
  if (tuned.empty())
    failWithHint(kUsage, "tune attention in bf16 or fp16 on a CUDA card",
                 "there is nothing to tune: no kernel has several cuts");
  writeTuning(path, card, tuned);
  fmt::print(stderr, "{}: cuts of {} kernels; use them with --tuning {}\n", path, tuned.size(), path);
}

void addTune(CLI::App &app, std::string &path) {
  app.add_option(
         "--tune", path,
         "measure the cuts that attention's kernels could have, write the fastest there, and go on with them")
      ->option_text("FILE")
      ->excludes(app.get_option("--tuning"));
}

} // namespace drawloom::cli
