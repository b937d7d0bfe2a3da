// Dynamic loss scaling (paper section 6): fp16 holds no gradient below 2^-24, so the loss is scaled up before
// it is differentiated, as far as its gradients allow.
#pragma once
#include "runtime/checkpoint/StrictJson.h"
#include <cstdint>

namespace drawloom {

/// The scale and what it has lived through. Powers of two, so scaling changes exponents only. A step whose
/// gradient is not finite is skipped: the scale is halved, and the schedule does not move on.
class LossScaler {
public:
  static constexpr double kStart = 0x1p16, kFloor = 0x1p10, kCeiling = 0x1p30;
  static constexpr int64_t kGoodSteps = 2000; ///< in a row, after which the scale is doubled
  static constexpr int64_t kPatience = 20;    ///< steps in a row that may be skipped; the next is an error

  /// `on`: fp16. Otherwise the scale is 1 and no step may be skipped. `initial`: a scale that `isScale`
  /// takes.
  explicit LossScaler(bool on = false, double initial = kStart) : on(on), current(initial) {}

  bool isOn() const { return on; }
  double scale() const { return on ? current : 1; }
  /// Whether a step with a non-finite gradient would be skipped rather than be an error.
  bool maySkip() const { return on && skippedInARow < kPatience; }
  /// Skipped steps since the run began.
  int64_t skipped() const { return skippedSteps; }

  /// After a step with a finite gradient.
  void good();
  /// After a step that was skipped.
  void skip();

  /// Whether a loss may be scaled by it: a power of two from the floor to the ceiling.
  static bool isScale(double scale);

  /// For state.json of a checkpoint; null when there is nothing to say.
  Json state() const;
  /// From such a state, or when it is null for a new run that begins with `initial`. Throws Error(kBadInput)
  /// for anything else.
  static LossScaler of(const Json &state, bool on, double initial = kStart);

private:
  bool on;
  double current;
  int64_t goodSteps = 0, skippedInARow = 0, skippedSteps = 0;
};

} // namespace drawloom
