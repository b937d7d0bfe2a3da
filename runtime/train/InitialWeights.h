// Initial weights as a function of the seed.
#pragma once
#include "runtime/program/Program.h"

namespace drawloom {

/// Fills every value by its parameter's init: zeros, ones, or N(0, stddev). Element e of parameter k is made
/// of Philox block e/2 of (seed, kInitStep, site k) by the Box-Muller transform in double, rounded to float:
/// the same on every machine whose libm rounds log, sin and cos alike, whatever the order of work.
void initializeWeights(const std::vector<ParameterRef> &parameters, uint64_t seed);

/// Zeroes gradients and moments, and starts moving averages at the values.
void resetOptimizer(const std::vector<ParameterRef> &parameters);

} // namespace drawloom
