#include "passes/attention/gpu/WindowPlan.h"
#include "dialect/pattern/BoxView.h"
#include "dialect/pattern/ViewQuery.h"
#include "passes/gpu/GpuBuilder.h"
#include <algorithm>

namespace drawloom::attention {
namespace {

constexpr int64_t kTile = kGroupRows;
constexpr int64_t kSharedBytes = 227 * 1024, kReserved = 1024; ///< for barriers and alignment
constexpr int64_t kOverhead = 40;                              ///< addresses, bounds, loop counters
constexpr int64_t kMultiprocessors =
    132; ///< of an H100 or H200: decides the length of segments, nothing else

int64_t sharedBytes(const Shape &shape, const WindowCut &cut) {
  int64_t statistics = 8, row = (shape.dQk + shape.dV) * 2;
  return kTile * (cut.queryStages * (row + statistics) + cut.keyStages() * shape.dQk * 2 +
                  cut.valueStages * shape.dV * 2 + cut.allScoreSlots() * kTile * 2) +
         kReserved;
}

/// Of a thread: dK, dV, S, dP, and P or dS packed.
int64_t registers(const Shape &shape) { return (shape.dQk + shape.dV) / 2 + kTile + kTile / 4 + kOverhead; }

} // namespace

std::optional<int64_t> windowWidth(ViewAttr attr) {
  PieceView view = toView(attr);
  if (!view.predicate.empty()) return std::nullopt;
  auto rows = boxOfQueries(view, kTile), slots = boxOfKeys(view, kTile, /*attendedOnly=*/false);
  if (!rows || !slots || rows->rows() != kTile || slots->rows() != kTile) return std::nullopt;
  ViewEvaluator at(view);
  int64_t width = 1;
  for (int64_t h : view.heads) {
    if (at.slices(h) != 1) return std::nullopt;
    for (int64_t tile = 0, keys = at.keys(h, 0); tile * kTile < keys; ++tile) {
      int64_t last = std::min((tile + 1) * kTile, keys) - 1;
      Interval met{at.queryRows(h, 0, tile * kTile).lo, at.queryRows(h, 0, last).hi};
      if (met.empty()) continue;
      if (met.lo < tile * kTile) return std::nullopt;
      width = std::max(width, (met.hi + kTile - 1) / kTile - tile);
    }
  }
  return width;
}

std::optional<WindowCut> chooseWindowCut(const Shape &shape, int64_t width) {
  // dQ and dK leave through the place of a tile of dS.
  if (shape.dQk > kTile) return std::nullopt;
  for (int64_t groups : {3, 2})
    for (int64_t queryStages : {groups + 2, groups + 1, groups})
      for (int64_t valueStages : {2 * groups, groups + 1}) {
        WindowCut cut{width, groups, queryStages, valueStages};
        if (registers(shape) <= cut.consumerRegisters() && sharedBytes(shape, cut) <= kSharedBytes)
          return cut;
      }
  return std::nullopt;
}

int64_t chooseSegments(const WindowCut &cut, int64_t steps, int64_t sequences) {
  auto time = [&](int64_t segments) {
    int64_t rounds = llvm::divideCeil(sequences * segments, kMultiprocessors);
    return rounds * (int64_t(llvm::divideCeil(steps, segments)) + cut.leadingSteps());
  };
  int64_t best = 1;
  for (int64_t segments = 2; segments <= steps; ++segments)
    if (time(segments) < time(best)) best = segments;
  return best;
}

} // namespace drawloom::attention
