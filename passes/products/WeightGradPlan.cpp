#include "passes/products/WeightGradPlan.h"
#include "passes/rows/Chunks.h"
#include <algorithm>
#include <limits>

namespace drawloom::products {
namespace {

using rows::ceilDiv;

constexpr int64_t kMostStages = 8;
/// Shared memory for what sums over rows multiply with.
constexpr int64_t kOnesBytes = 1024;

} // namespace

int64_t gradSlices(const WeightGradShape &shape) { return ceilDiv(shape.rows, kSliceInner); }

int64_t WeightGradCut::tiles(const WeightGradShape &shape) const {
  return ceilDiv(shape.outputs, outputs()) * columnTiles(shape);
}

int64_t WeightGradCut::units(const WeightGradShape &shape) const { return tiles(shape) * gradSlices(shape); }

bool fitsIntegers(const WeightGradShape &shape, const WeightGradCut &cut) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  return (cut.units(shape) + 1) * cut.blocks <= kMost && shape.rows <= kMost - kSliceInner;
}

WeightGradCut gradCut(const WeightGradShape &shape, int64_t groups, int64_t columns, int64_t stages) {
  WeightGradCut cut{groups, columns, stages, 0};
  // With a whole number of blocks for each two tiles, blocks go through the same rows at the same time; else
  // most rows come from memory several times.
  int64_t most = std::min(kMultiprocessors, cut.units(shape)), tiles = cut.tiles(shape);
  int64_t together = tiles % 2 == 0 ? tiles / 2 : tiles;
  cut.blocks = together < most ? most / together * together : most;
  return cut;
}

WeightGradCut chooseGradCut(const WeightGradShape &shape) {
  constexpr int64_t kGroups = 2;
  int64_t columns = 256;
  while (columns > 64 && columns / 2 >= shape.inputs) columns /= 2;
  int64_t stageBytes = kSliceInner * (kGroups * kTileRows + columns) * kElementBytes;
  return gradCut(shape, kGroups, columns, std::min(kMostStages, (tileBytes() - kOnesBytes) / stageBytes));
}

} // namespace drawloom::products
