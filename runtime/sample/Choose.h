// Drawing one byte from logits.
#pragma once
#include <cstdint>
#include <span>

namespace drawloom {

/// Index drawn from softmax(logits / temperature) over the `topK` largest logits (0: all; of equal ones those
/// with the smaller index come first), by inverting the distribution at 0 <= uniform < 1 in the order of the
/// indices. Temperature 0 gives the largest logit. Sums are in double. Throws Error(kFailed) when a logit is
/// not finite.
int chooseByte(std::span<const float> logits, double temperature, int64_t topK, double uniform);

/// The uniform number for (seed, position, row): Philox, site kSampleSite.
double sampleUniform(uint64_t seed, uint64_t position, uint32_t row);

} // namespace drawloom
