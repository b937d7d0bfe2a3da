// What the lowerings of the softmax ops to vectors and to threads have in common.
#pragma once
#include "passes/tiles/Emitter.h"
#include <limits>

namespace drawloom::tiles {

inline constexpr double kLog2E = 1.4426950408889634, kLn2 = 0.6931471805599453;
/// Stands for "no key yet" inside the ops: unlike -inf it can be subtracted from itself, and nothing finite
/// is below it.
inline constexpr double kNoKey = -std::numeric_limits<float>::max();
inline constexpr double kInf = std::numeric_limits<double>::infinity();
/// Independent maxima and sums, to hide latency; fixed, since it decides the order of sums.
inline constexpr int64_t kPartials = 4;

/// Folds partial results pairwise, in a fixed order.
inline Value fold(Values parts, llvm::function_ref<Value(Value, Value)> combine) {
  for (size_t stride = 1; stride < parts.size(); stride *= 2)
    for (size_t i = 0; i + stride < parts.size(); i += 2 * stride)
      parts[i] = combine(parts[i], parts[i + stride]);
  return parts[0];
}

} // namespace drawloom::tiles
