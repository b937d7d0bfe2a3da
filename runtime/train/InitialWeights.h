// Initial weights as a function of the seed.
#pragma once
#include "runtime/train/TrainableProgram.h"

namespace drawloom {

/// Fills every value by its parameter's init: zeros, ones, or N(0, stddev). Element e of parameter k is made
/// of Philox block e/2 of (seed, kInitStep, site k) by the Box-Muller transform in double, rounded to float:
/// the same on every machine whose libm rounds log, sin and cos alike, whatever the order of work and the
/// number of threads (0: one a core that this process may use). On a card, upload Parameters afterwards.
void initializeWeights(const std::vector<ParameterRef> &parameters, uint64_t seed, int threads = 0);

/// Zeroes gradients and moments and starts moving averages at the values, also on a card.
void resetOptimizer(TrainableProgram &program);

} // namespace drawloom
