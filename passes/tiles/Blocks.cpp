#include "passes/tiles/Blocks.h"
#include <algorithm>

namespace drawloom::tiles {
namespace {

constexpr double kHideLatency = 8;   // multiply-adds in flight: latency 4, two a cycle
constexpr double kLoadsPerFma = 1.0; // loads that issue with one multiply-add
constexpr double kBlockOverhead = 1; // loop control and the accumulators' load and store, spread over the inner steps

double stepCost(int64_t rows, int64_t vectors) {
  double loads = double(rows + vectors) / kLoadsPerFma;
  return std::max({double(rows * vectors), loads, kHideLatency}) + kBlockOverhead;
}

/// Cost of covering one column of blocks, the shorter last one included.
double columnCost(int64_t totalRows, int64_t rows, int64_t vectors) {
  double cost = double(totalRows / rows) * stepCost(rows, vectors);
  return totalRows % rows ? cost + stepCost(totalRows % rows, vectors) : cost;
}

double coverCost(int64_t totalRows, int64_t totalVectors, RegisterBlock block) {
  double cost = double(totalVectors / block.vectors) * columnCost(totalRows, block.rows, block.vectors);
  int64_t rest = totalVectors % block.vectors;
  return rest ? cost + columnCost(totalRows, block.rows, rest) : cost;
}

} // namespace

RegisterBlock chooseBlock(int64_t rows, int64_t vectors, int64_t registers) {
  RegisterBlock best{1, 1};
  for (int64_t v = 1; v <= std::min<int64_t>(vectors, 4); ++v)
    for (int64_t r = 1; r <= rows && r * v + v + 1 <= registers; ++r)
      if (coverCost(rows, vectors, {r, v}) < coverCost(rows, vectors, best))
        best = {r, v};
  return best;
}

} // namespace drawloom::tiles
