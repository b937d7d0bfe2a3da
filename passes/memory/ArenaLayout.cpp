#include "passes/memory/ArenaLayout.h"
#include "passes/memory/Buffers.h"
#include <algorithm>
#include <map>
#include <numeric>

namespace drawloom {
namespace {

bool liveTogether(const Lifetime &a, const Lifetime &b) { return a.first <= b.last && b.first <= a.last; }

/// A buffer that has its place: bytes [begin, end).
struct Placed {
  int64_t begin, end;
  Lifetime life;
};

/// The start of the smallest gap of at least `bytes` between those of `placed`, which are in the order of
/// their places, that live together with `life`; or of the space behind them.
int64_t bestGap(const std::vector<Placed> &placed, const Lifetime &life, int64_t bytes) {
  int64_t end = 0, best = -1, bestSize = 0;
  for (const Placed &p : placed) {
    if (!liveTogether(p.life, life)) continue;
    int64_t gap = p.begin - end;
    if (gap >= bytes && (best < 0 || gap < bestSize)) {
      best = end;
      bestSize = gap;
    }
    end = std::max(end, p.end);
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
  std::vector<Placed> placed;
  for (size_t k : order) {
    int64_t bytes = alignUp(buffers[k].bytes), begin = bestGap(placed, buffers[k], bytes);
    layout.offsets[k] = begin;
    layout.bytes = std::max(layout.bytes, begin + bytes);
    Placed p{begin, begin + bytes, buffers[k]};
    placed.insert(std::ranges::upper_bound(placed, begin, {}, &Placed::begin), p);
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
