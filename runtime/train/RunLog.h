// log.jsonl, one JSON object a line, and the TensorBoard file beside it.
//   {"event": "start", "step": 0, "time": ..., ...}        how the run was started
//   {"event": "startup", "step": 1, "seconds": ..., "ms": {"driver": ..., ...}}  from the process's start to
//   the end of the run's first step, and the phases of it (runtime/support/Phases.h)
//   {"event": "step", "step": 10, "nll": ..., "bits": ..., "lr": ..., "grad_norm": ..., "ms": ...,
//   "tokens_per_second": ...}
//   {"event": "skip", "step": 11, "loss_scale": ..., "skipped": ...}  fp16: a gradient was not finite
//   {"event": "eval", "step": 100, "split": "valid", "bits_per_byte" (images: "bits_per_dim"): ...,
//   "standard_error": ..., ...}
//   {"event": "checkpoint", "step": 100, "folder": ...}
//   {"event": "end", "step": ..., "reason": ...}
// "step" counts finished steps.
#pragma once
#include "runtime/checkpoint/StrictJson.h"
#include "runtime/train/EventFile.h"
#include <fstream>

namespace drawloom {

inline constexpr char kLogFile[] = "log.jsonl";

class RunLog {
public:
  /// Opens the logs of a run that starts or resumes after `step` steps; lines about later steps, left by a
  /// run that ended between two checkpoints, are dropped. Throws Error(kIo).
  RunLog(const std::string &folder, int64_t step);

  /// Appends {"event": event, "step": step, fields..., "time": seconds since 1970}.
  void write(const std::string &event, int64_t step, const Json &fields);
  void scalars(int64_t step, const std::vector<std::pair<std::string, float>> &values) {
    events.add(step, values);
  }

private:
  std::string path;
  std::ofstream file;
  EventFile events;
};

} // namespace drawloom
