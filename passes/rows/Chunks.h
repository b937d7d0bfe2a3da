// How row operations are cut into work items. Only shapes count, never the number of threads or what is
// fused: so a sum over rows, which is made per item first, always has the same bits.
#pragma once
#include <algorithm>
#include <cstdint>

namespace drawloom::rows {

inline int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Rows of a work item: 128 items if that gives 8 to 64 rows each. At least 8 rows make partial column sums
/// cheap; at most 64 keep them accurate and many threads busy.
inline int64_t rowsPerItem(int64_t rows) {
  return std::min(rows, std::clamp<int64_t>(ceilDiv(rows, 128), 8, 64));
}

/// Elements of a work item of an elementwise operation on flat memory. A multiple of every vector length.
inline constexpr int64_t kFlatChunk = 4096;

/// Elements of a work item of global_norm.
inline constexpr int64_t kNormChunk = 16384;

} // namespace drawloom::rows
