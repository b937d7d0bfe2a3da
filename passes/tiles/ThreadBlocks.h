// The choice of the block of a product that each thread of a GPU's block keeps in registers.
#pragma once
#include <cstdint>

namespace drawloom::tiles {

/// Rows and columns of the product; columns are at most one vector of 16 bytes.
struct ThreadBlock {
  int64_t rows, columns;
  double cost; ///< estimated time of one inner step for all threads, in multiply-adds of one thread
};

/// The block with the least cost among those that divide the product. A load of a vector from shared memory
/// takes as long as four multiply-adds.
ThreadBlock chooseThreadBlock(int64_t rows, int64_t columns, int64_t threads);

} // namespace drawloom::tiles
