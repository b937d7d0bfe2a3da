// What a checkpoint says about its run beside the tensors, and whether this run may go on from it.
#pragma once
#include "runtime/data/DataSet.h"
#include "runtime/train/Progress.h"
#include "runtime/train/TrainSpec.h"
#include <string>
#include <utility>
#include <vector>

namespace drawloom {

/// The loss since the last log line and the logged losses: all that training carries from step to step beside
/// tensors.
struct LossRecord {
  Window window;
  std::vector<std::pair<int64_t, double>> history; // (finished steps, mean nats), the newest kHistory
  static constexpr size_t kHistory = 256;
  void log(int64_t step);
};

/// state.json of a run after `step` steps. `sequence` is the next window's number (runtime/data/Batches.h).
Json describeState(const TrainSpec &spec, int64_t steps, const DataSet &set, uint64_t sequence,
                   uint64_t epoch, const LossRecord &record, const LossScaler &scaler);

LossRecord lossRecordOf(const Json &state);
/// `on`: this run's precision is fp16. The checkpoint may be of a run without loss scaling.
LossScaler lossScalerOf(const Json &state, bool on, double initial);

/// Compares the spec that a checkpoint was trained with to this one. Throws Error(kBadInput) when the model
/// or its attention differ. Returns the settings of training and data that differ, as "train.lr: 0.001 ->
/// 0.0005": the run goes on, but its bits are not those of an uninterrupted one.
std::vector<std::string> compareSpecs(const Json &state, const TrainSpec &spec,
                                      const std::string &checkpoint);

/// Throws Error(kBadInput) unless `set` is the data that the run was trained on.
void checkSameData(const Json &state, const DataSet &set, const std::string &checkpoint);

} // namespace drawloom
