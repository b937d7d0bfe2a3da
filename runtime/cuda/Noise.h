// Numbers to multiply for measurements: a card's clock falls with the bits that switch, and what models see
// is random.
#pragma once
#include "runtime/schema/plan_generated.h"
#include <cstddef>
#include <vector>

namespace drawloom::cuda {

/// `count` numbers of type F32, BF16 or F16, uniform in (-1, 1), as they lie in memory; the same for the same
/// seed.
std::vector<std::byte> noise(plan::DType type, uint64_t count, uint64_t seed);

} // namespace drawloom::cuda
