#include "runtime/train/Schedule.h"
#include "runtime/abi/Abi.h"
#include <algorithm>
#include <cmath>
#include <numbers>

namespace drawloom {

double learningRate(const TrainSpec::Train &train, int64_t step, int64_t steps) {
  if (step < train.warmup) return train.lr * double(step + 1) / double(train.warmup);
  if (train.schedule == "constant") return train.lr;
  double part = double(step - train.warmup) / double(std::max<int64_t>(1, steps - train.warmup));
  return train.lr * 0.5 * (1 + std::cos(std::numbers::pi * std::min(1.0, part)));
}

double emaDecay(double ema, int64_t step) {
  if (ema <= 0) return 0;
  return std::min(ema, double(step + 2) / double(step + 11));
}

void fillHyper(const TrainSpec::Train &train, int64_t step, int64_t steps, std::span<float> hyper) {
  std::fill(hyper.begin(), hyper.end(), 0.0f);
  double t = double(step) + 1;
  hyper[abi::kLearningRate] = float(learningRate(train, step, steps));
  hyper[abi::kBeta1] = float(train.beta1);
  hyper[abi::kBeta2] = float(train.beta2);
  hyper[abi::kEpsilon] = float(train.epsilon);
  hyper[abi::kWeightDecay] = float(train.weightDecay);
  hyper[abi::kBiasCorrection1] = float(1 - std::pow(train.beta1, t));
  hyper[abi::kBiasCorrection2] = float(1 - std::pow(train.beta2, t));
  hyper[abi::kClipNorm] = float(train.clip);
  hyper[abi::kEmaDecay] = float(emaDecay(train.ema, step));
  hyper[abi::kGradScale] = 1;
}

} // namespace drawloom
