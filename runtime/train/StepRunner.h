// One optimizer step: micro-steps that add up gradients, then the update.
#pragma once
#include "runtime/data/Batches.h"
#include "runtime/data/DataSet.h"
#include "runtime/train/LossScaler.h"
#include "runtime/train/TrainSpec.h"
#include "runtime/train/TrainableProgram.h"
#include <functional>

namespace drawloom {

struct StepResult {
  double nll = 0;      // mean negative log-likelihood of the step's bytes, nats
  double gradNorm = 0; // before clipping, without the loss scale
  double lr = 0;
  bool skipped = false; // gradNorm was not finite, and nothing but the loss scale has changed
};

class StepRunner {
public:
  /// `steps`: length of the schedule; `scaler`: that of the checkpoint that the run goes on from. All
  /// references must outlive it.
  StepRunner(TrainableProgram &program, const TrainSpec &spec, const DataSet &data, const WindowOrder &order,
             int64_t steps, LossScaler scaler);

  /// Does step number `step` (from 0): a function of the weights, the moments, the loss scaler and the step
  /// only. Skipped steps use up their data, but do not move the schedule on. Throws Error(kFailed) that names
  /// the first non-finite tensor when the loss is not finite, or the gradient norm of a step that may not be
  /// skipped; values, moments and moving averages are then those of before the step, and the gradients are
  /// zeros.
  StepResult run(int64_t step);

  const LossScaler &lossScaler() const { return scaler; }

  /// Called after each batch was filled in, and before each update.
  std::function<void(std::span<const int32_t> tokens, std::span<const int32_t> targets)> onBatch;
  std::function<void(int64_t step)> beforeUpdate;

private:
  double gradient(uint64_t microStep);
  [[noreturn]] void failNonFinite(int64_t step, const std::string &seen);

  TrainableProgram &program;
  const TrainSpec &spec;
  const DataSet &data;
  const WindowOrder &order;
  int64_t steps;
  LossScaler scaler;
  std::vector<uint8_t> window; // bytes of one row
  std::span<int32_t> tokens, targets;
  std::span<float> lossWeights, nll, hyper, gradNorm;
  std::span<int64_t> rng;
};

/// The first element that is not finite: "gradient of 'layers.0.qkv.weight' at [3, 7] is nan"; empty when all
/// are finite. Looks through the values, then the gradients, in the order of the parameters.
std::string firstNonFinite(const std::vector<ParameterRef> &parameters);

} // namespace drawloom
