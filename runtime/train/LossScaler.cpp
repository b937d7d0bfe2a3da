#include "runtime/train/LossScaler.h"
#include "runtime/support/Error.h"
#include <algorithm>
#include <cmath>

namespace drawloom {

void LossScaler::good() {
  if (!on) return;
  skippedInARow = 0;
  if (++goodSteps < kGoodSteps) return;
  current = std::min(2 * current, kCeiling);
  goodSteps = 0;
}

void LossScaler::skip() {
  current = std::max(current / 2, kFloor);
  goodSteps = 0;
  ++skippedInARow;
  ++skippedSteps;
}

Json LossScaler::state() const {
  if (!on && skippedSteps == 0) return nullptr;
  return {{"scale", current},
          {"good_steps", goodSteps},
          {"skipped_in_a_row", skippedInARow},
          {"skipped", skippedSteps}};
}

bool LossScaler::isScale(double scale) {
  int exponent = 0;
  return scale >= kFloor && scale <= kCeiling && std::frexp(scale, &exponent) == 0.5;
}

LossScaler LossScaler::of(const Json &state, bool on, double initial) {
  LossScaler scaler(on, initial);
  if (state.is_null()) return scaler;
  try {
    scaler.current = state.at("scale").get<double>();
    scaler.goodSteps = state.at("good_steps").get<int64_t>();
    scaler.skippedInARow = state.at("skipped_in_a_row").get<int64_t>();
    scaler.skippedSteps = state.at("skipped").get<int64_t>();
  } catch (const nlohmann::json::exception &e) {
    fail(kBadInput, "state.json of the checkpoint: loss_scaler: {}", e.what());
  }
  bool good = isScale(scaler.current) && scaler.goodSteps >= 0 && scaler.skippedInARow >= 0 &&
              scaler.skippedSteps >= 0;
  require(good, kBadInput, "state.json of the checkpoint: loss_scaler {} makes no sense", state.dump());
  return scaler;
}

} // namespace drawloom
