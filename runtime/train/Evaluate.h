// Bits per byte (per dimension, of images) of a part of the data: a ratio of sums over windows, with its
// standard error.
#pragma once
#include "runtime/data/Batches.h"
#include "runtime/data/DataSet.h"
#include "runtime/train/TrainableProgram.h"
#include <functional>
#include <optional>
#include <vector>

namespace drawloom {

/// A window of the model and the positions [first, last) of it whose losses count.
struct EvalWindow {
  uint64_t start = 0; // first byte, in the data set
  uint64_t first = 0, last = 0;
  bool operator==(const EvalWindow &) const = default;
};

/// Windows of n bytes such that every counted byte has at least `minContext` bytes of `part` before it in its
/// window (0 <= minContext < n; Table 3 of the paper) and every byte of `part` behind its first minContext is
/// counted exactly once. Windows begin n - minContext bytes apart; the last is moved back to end with the
/// part. A part shorter than n gives one window that reaches beyond it (fillRow pads). With maxBytes > 0, at
/// most about that many bytes are counted, in windows spread evenly over the part. Fixed windows (images)
/// begin n bytes apart, and the first minContext bytes of each are not counted. Throws Error(kBadInput) when
/// there is no byte to count.
std::vector<EvalWindow> evaluationWindows(Range part, uint64_t n, uint64_t minContext, uint64_t maxBytes,
                                          Windows kind = Windows::Moving);

/// Sum and count of losses in one window.
struct WindowLoss {
  double nats = 0;
  uint64_t bytes = 0;
};

struct EvalResult {
  uint64_t bytes = 0, windows = 0;
  double bitsPerByte = 0;
  /// Of bitsPerByte, over windows as independent draws: sqrt(K / (K - 1) sum (x - R m)^2) / sum m with x the
  /// bits and m the bytes of a window and R the ratio. Absent for a single window.
  std::optional<double> standardError;
};

EvalResult summarize(const std::vector<WindowLoss> &windows);

/// Runs "evaluate" over the windows, batch by batch, with the weights that `program` holds now; sums are in
/// double and in order, so the result has the same bits on every run. Returns nothing when `cancelled` says
/// so between two batches.
std::optional<EvalResult> evaluate(TrainableProgram &program, const DataSet &data,
                                   const std::vector<EvalWindow> &windows, uint64_t n, uint64_t batch,
                                   const std::function<bool()> &cancelled = {});

/// While it lives, the moving averages stand in the place of the values (parameters that have one); then both
/// are exactly as before.
class EmaInPlace {
public:
  explicit EmaInPlace(TrainableProgram &program);
  ~EmaInPlace();
  EmaInPlace(const EmaInPlace &) = delete;
  EmaInPlace &operator=(const EmaInPlace &) = delete;

private:
  void swap();
  TrainableProgram &program;
};

} // namespace drawloom
