#include "passes/attention/TileSizes.h"
#include "dialect/ir/Dialect.h"
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

/// Of a vector multiply-add. A single vector of queries a tile makes each one load its factor; so do edge tiles, group by group.
double multiplyAddCost(int64_t queries) { return queries >= 32 ? 1.0 : queries == 16 ? 1.3 : 1.5; }
constexpr double kEdgeMultiplyAddCost = 1.35;

double pairsCost(const Met &met, TileSizes t, const TileWork &w) {
  double channels = double(w.dQk + w.dV), products = w.isBackward ? 3.0 * w.dQk + 2.0 * w.dV : channels;
  double edgePairs = std::max(0.0, met.pairs - met.wholePairs);
  double multiplyAdds = met.wholePairs * multiplyAddCost(t.queries) + edgePairs * std::max(kEdgeMultiplyAddCost, multiplyAddCost(t.queries));
  double moves = double(t.keys) * channels / kLanes * (w.isBackward ? 2.5 : 1.0) * kMoveOperations;
  return (multiplyAdds * products + met.pairs * kSoftmaxOperations) / kLanes + met.tiles * (moves + kPairOverhead);
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

int64_t roundUp(int64_t x, int64_t unit) { return (x + unit - 1) / unit * unit; }

Met keysMet(const ViewEvaluator &at, int64_t h, int64_t s, int64_t row, int64_t last, TileSizes t) {
  Interval first = at.keySlots(h, s, row), final = at.keySlots(h, s, last);
  int64_t lo = first.lo, hi = std::max(lo, final.hi);
  int64_t wholeTiles = at.hasPredicate() ? 0 : std::max<int64_t>(0, (first.hi - roundUp(final.lo - lo, t.keys) - lo) / t.keys);
  Met met{double((hi - lo + t.keys - 1) / t.keys), 0, double(wholeTiles * t.keys * t.queries)};
  for (int64_t r = row; r <= last; r += kExtentQueries) {
    int64_t groupLast = std::min(r + kExtentQueries - 1, last);
    int64_t keys = std::max<int64_t>(0, at.keySlots(h, s, groupLast).hi - at.keySlots(h, s, r).lo);
    met.pairs += double(roundUp(keys, kExtentKeys) * std::min(t.queries, kExtentQueries));
  }
  return met;
}

} // namespace

double sampleRow(const PieceView &view, TileSizes t, llvm::function_ref<double(const Met &)> costOf) {
  ViewEvaluator at(view);
  int64_t h = view.heads.back();
  double cost = 0, rowsSeen = 1;
  sample(at.slices(h), kSampledSlices, [&](int64_t s) {
    int64_t rows = at.rows(h, s);
    // The same stretch of rows for every extent: samples of the widest tile.
    const int64_t stretch = std::max<int64_t>(64, t.queries);
    sample((rows + stretch - 1) / stretch, kSampledTiles, [&](int64_t part) {
      int64_t end = std::min(rows, (part + 1) * stretch);
      for (int64_t r = part * stretch; r < end; r += t.queries)
        cost += costOf(keysMet(at, h, s, r, std::min(r + t.queries, end) - 1, t));
      rowsSeen += double(end - part * stretch);
    });
  });
  return cost / rowsSeen;
}

TileSizes chooseTileSizes(const PieceView &view, const TileWork &work) {
  auto estimate = [&](TileSizes t) {
    return sampleRow(view, t, [&](const Met &met) { return queryCost(t, work) + pairsCost(met, t, work); });
  };
  TileSizes best{16, 16};
  double bestCost = estimate(best);
  for (int64_t queries : {8, 16, 32, 64})
    for (int64_t keys : {8, 16, 32, 64}) {
      TileSizes t{queries, keys};
      if (scratchBytes(t, work) > kScratchBytes)
        continue;
      double cost = estimate(t);
      if (cost < bestCost)
        best = t, bestCost = cost;
    }
  return best;
}

} // namespace drawloom::attention
