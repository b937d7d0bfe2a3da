// The training loop: steps, and between them logging, evaluation, checkpoints, signals and the time budget.
#pragma once
#include "runtime/train/Evaluate.h"
#include "runtime/train/ModelData.h"
#include "runtime/train/Progress.h"
#include "runtime/train/Resume.h"
#include "runtime/train/RunLog.h"
#include "runtime/train/Signals.h"

namespace drawloom {

/// What the loop works on. All references must outlive it.
struct TrainerSetup {
  TrainableProgram &program;
  const TrainSpec &spec; // with the command line's changes
  const ModelData &data;
  const WindowOrder &order;
  int64_t steps = 0;     // length of the schedule
  int64_t stopAfter = 0; // last step to do, at most `steps`
  int64_t start = 0;     // finished steps of the checkpoint that the run goes on from
  LossRecord record;     // of that checkpoint
  LossScaler scaler;     // of that checkpoint
  ProgressSetup progress;
  std::string trace; // file for a Chrome trace of one step; empty: none
};

enum class StopReason { Done, StopAfter, TimeBudget, Interrupt, Terminate };
const char *nameOf(StopReason reason);

struct TrainResult {
  StopReason reason = StopReason::Done;
  int64_t step = 0; // finished steps
  double seconds = 0;
  std::string checkpoint;
  std::optional<double> bits; // of the last logged window
  std::optional<EvalResult> valid;
};

class Trainer {
public:
  explicit Trainer(TrainerSetup setup);
  /// Runs until one of StopReason, then evaluates (unless a signal came) and saves. Throws Error: 1 a loss or
  /// gradient is not finite (after saving the last good state), 74 a checkpoint or log could not be written.
  TrainResult train();

  StepRunner &runner() { return steps; }

private:
  std::optional<StopReason> reasonToStop() const;
  double budgetLeft() const;
  void step();
  bool traced() const;
  StepResult stepTraced();
  void logStartup();
  void logStep(const StepResult &result);
  void logSkip();
  void evaluateValid();
  void save(int keep);
  void saveBeforeFailing();

  TrainerSetup s;
  StepRunner steps;
  RunLog log;
  Progress progress;
  SignalGuard signals;
  Stopwatch elapsed;
  double longestStep = 0;
  int64_t done, lastSaved = -1, lastEvaluated = -1;
  TrainResult result;
};

} // namespace drawloom
