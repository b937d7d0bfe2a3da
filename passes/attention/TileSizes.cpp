#include "passes/attention/TileSizes.h"
#include "dialect/pattern/ViewQuery.h"
#include <algorithm>

namespace drawloom::attention {
namespace {

constexpr double kLanes = 16;
constexpr double kPairOverhead = 150, kQueryOverhead = 200; // loops, bounds and masks
constexpr double kSoftmaxOperations = 20;                   // a vector of scores: maximum, exponential, sum
constexpr double kMoveOperations = 2;                       // a vector loaded and stored
constexpr double kTransposeOperations = 8;
constexpr int64_t kScratchBytes = (1 << 20) / 4;
constexpr int64_t kSampledSlices = 3, kSampledTiles = 24;

/// A single vector of queries a tile makes every multiply-add load its factor.
double multiplyAddCost(int64_t queries) { return queries >= 32 ? 1.0 : queries == 16 ? 1.25 : 1.5; }

double pairCost(TileSizes t, const TileWork &w) {
  double channels = double(w.dQk + w.dV), vectors = double(t.queries * t.keys) / kLanes;
  double products = w.isBackward ? 3.0 * w.dQk + 2.0 * w.dV : channels;
  double moves = double(t.keys) * channels / kLanes * (w.isBackward ? 2.5 : 1.0) * kMoveOperations;
  return vectors * (products * multiplyAddCost(t.queries) + kSoftmaxOperations) + moves + kPairOverhead;
}

double queryCost(TileSizes t, const TileWork &w) {
  double vectors = double(t.queries * (w.dQk + w.dV)) / kLanes;
  return vectors * kTransposeOperations * (w.isBackward ? 2 : 1) + kQueryOverhead;
}

int64_t scratchBytes(TileSizes t, const TileWork &w) {
  int64_t channels = w.dQk + w.dV;
  int64_t floats = t.queries * channels * 2 + t.keys * channels * (w.isBackward ? 2 : 1) + t.queries * t.keys * 2;
  return floats * int64_t(sizeof(float));
}

/// About `count` numbers spread evenly over [0, extent), the last one included.
template <typename Body> void sample(int64_t extent, int64_t count, Body body) {
  int64_t step = std::max<int64_t>(1, extent / count);
  for (int64_t i = extent - 1; i >= 0; i -= step)
    body(i);
}

double estimate(const PieceView &view, const ViewEvaluator &at, TileSizes t, const TileWork &w) {
  int64_t h = view.heads.back();
  double cost = 0, rowsSeen = 1;
  sample(at.slices(h), kSampledSlices, [&](int64_t s) {
    int64_t rows = at.rows(h, s);
    // The same stretch of rows for every extent: samples of the widest tile.
    constexpr int64_t stretch = 64;
    sample((rows + stretch - 1) / stretch, kSampledTiles, [&](int64_t part) {
      int64_t end = std::min(rows, (part + 1) * stretch);
      for (int64_t r = part * stretch; r < end; r += t.queries) {
        int64_t last = std::min(r + t.queries, end) - 1;
        Interval first = at.keySlots(h, s, r), final = at.keySlots(h, s, last);
        int64_t slots = std::max<int64_t>(0, final.hi - first.lo);
        cost += queryCost(t, w) + double((slots + t.keys - 1) / t.keys) * pairCost(t, w);
      }
      rowsSeen += double(end - part * stretch);
    });
  });
  return cost / rowsSeen;
}

} // namespace

TileSizes chooseTileSizes(const PieceView &view, const TileWork &work) {
  ViewEvaluator at(view);
  TileSizes best{16, 16};
  double bestCost = estimate(view, at, best, work);
  for (int64_t queries : {8, 16, 32, 64})
    for (int64_t keys : {8, 16, 32, 64}) {
      TileSizes t{queries, keys};
      if (scratchBytes(t, work) > kScratchBytes)
        continue;
      double cost = estimate(view, at, t, work);
      if (cost < bestCost)
        best = t, bestCost = cost;
    }
  return best;
}

} // namespace drawloom::attention
