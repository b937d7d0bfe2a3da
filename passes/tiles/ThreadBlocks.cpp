#include "passes/tiles/ThreadBlocks.h"
#include <limits>

namespace drawloom::tiles {

ThreadBlock chooseThreadBlock(int64_t rows, int64_t columns, int64_t threads) {
  constexpr double kLoad = 4, kLanes = 4, kOverhead = 1;
  ThreadBlock best{1, 1, std::numeric_limits<double>::infinity()};
  for (int64_t n : {1, 2, 4})
    for (int64_t m : {1, 2, 4, 8, 16}) {
      if (rows % m != 0 || columns % n != 0) continue;
      int64_t blocks = (rows / m) * (columns / n), rounds = (blocks + threads - 1) / threads;
      double cost = double(rounds) * (double(m * n) + kLoad * (double(m) / kLanes + 1) + kOverhead);
      if (cost < best.cost) best = {m, n, cost};
    }
  return best;
}

} // namespace drawloom::tiles
