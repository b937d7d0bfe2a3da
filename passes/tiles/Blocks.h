// The choice of the block of a matrix product that stays in registers.
#pragma once
#include <cstdint>

namespace drawloom::tiles {

/// `rows` x `vectors` accumulators.
struct RegisterBlock {
  int64_t rows, vectors;
};

/// The block that covers rows x vectors at the least cost, with one register a loaded vector and one for the broadcast.
/// The cost of a block and inner step is its multiply-adds, or its loads if those are more, or the latency of a
/// multiply-add if the block is too small to hide it.
RegisterBlock chooseBlock(int64_t rows, int64_t vectors, int64_t registers);

} // namespace drawloom::tiles
