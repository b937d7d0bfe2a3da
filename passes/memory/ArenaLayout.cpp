#include "passes/memory/ArenaLayout.h"
#include "passes/memory/Buffers.h"
#include <algorithm>
#include <map>
#include <numeric>

namespace drawloom {
namespace {

bool liveTogether(const Lifetime &a, const Lifetime &b) { return a.first <= b.last && b.first <= a.last; }

/// The start of the smallest gap of at least `bytes` among `busy` intervals [begin, end), or of the space
/// behind them.
int64_t bestGap(std::vector<std::pair<int64_t, int64_t>> &busy, int64_t bytes) {
  std::sort(busy.begin(), busy.end());
  int64_t end = 0, best = -1, bestSize = 0;
  for (auto [from, to] : busy) {
    int64_t gap = from - end;
    if (gap >= bytes && (best < 0 || gap < bestSize)) {
      best = end;
      bestSize = gap;
    }
    end = std::max(end, to);
  }
  return best < 0 ? end : best;
}

} // namespace

ArenaLayout layOutArena(const std::vector<Lifetime> &buffers) {
  std::vector<size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::pair(-buffers[a].bytes, a) < std::pair(-buffers[b].bytes, b);
  });
  ArenaLayout layout{std::vector<int64_t>(buffers.size(), 0), 0};
  std::vector<size_t> placed;
  for (size_t k : order) {
    std::vector<std::pair<int64_t, int64_t>> busy;
    for (size_t other : placed)
      if (liveTogether(buffers[k], buffers[other]))
        busy.push_back({layout.offsets[other], layout.offsets[other] + alignUp(buffers[other].bytes)});
    layout.offsets[k] = bestGap(busy, alignUp(buffers[k].bytes));
    layout.bytes = std::max(layout.bytes, layout.offsets[k] + alignUp(buffers[k].bytes));
    placed.push_back(k);
  }
  return layout;
}

int64_t peakBytes(const std::vector<Lifetime> &buffers) {
  std::map<int64_t, int64_t> change;
  for (const Lifetime &b : buffers) {
    change[b.first] += alignUp(b.bytes);
    change[b.last + 1] -= alignUp(b.bytes);
  }
  int64_t now = 0, peak = 0;
  for (auto [at, delta] : change) peak = std::max(peak, now += delta);
  return peak;
}

} // namespace drawloom
