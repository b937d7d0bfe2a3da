// The numbers that change from step to step: a pure function of the step, so nothing of it is saved.
#pragma once
#include "runtime/train/TrainSpec.h"
#include <span>

namespace drawloom {

/// Learning rate of step 0 <= step < steps (PAPER.md, Training): lr (step + 1) / warmup while step < warmup,
/// then constant or lr (1 + cos(pi (step - warmup) / (steps - warmup))) / 2. The time budget run.max_seconds
/// does not enter: a run that it ends has not come to the end of its schedule, and can be resumed.
double learningRate(const TrainSpec::Train &train, int64_t step, int64_t steps);

/// Decay of the moving average at a step: min(ema, (step + 2) / (step + 11)), so that the average of a short
/// run is not mostly its initial weights (the ramp of TensorFlow's ExponentialMovingAverage with t = step +
/// 1). 0 when ema is off.
double emaDecay(double ema, int64_t step);

/// Fills the buffer "hyper" (runtime/abi/Abi.h) for a step, without loss scaling.
void fillHyper(const TrainSpec::Train &train, int64_t step, int64_t steps, std::span<float> hyper);

} // namespace drawloom
