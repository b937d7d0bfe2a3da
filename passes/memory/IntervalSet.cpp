#include "passes/memory/IntervalSet.h"
#include <algorithm>
#include <numeric>
#include <tuple>

namespace drawloom {

IntervalSet::IntervalSet(std::vector<Interval> intervals)
    : all(std::move(intervals)), order(all.size()), rank(all.size()) {
  std::iota(order.begin(), order.end(), size_t(0));
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::tie(all[a].space, all[a].begin) < std::tie(all[b].space, all[b].begin);
  });
  for (size_t k = 0; k < order.size(); ++k) rank[order[k]] = k;
  while (leaves < all.size()) leaves *= 2;
  latestEnd.assign(2 * leaves, kAbsent);
}

void IntervalSet::set(size_t interval, int64_t end) {
  size_t node = leaves + rank[interval];
  latestEnd[node] = end;
  while (node /= 2) latestEnd[node] = std::max(latestEnd[2 * node], latestEnd[2 * node + 1]);
}

bool IntervalSet::forEachOverlap(const Interval &range, llvm::function_ref<bool(size_t)> found) const {
  // Those that begin before the range ends are a run of `order`; the tree says where in it one ends behind
  // the range's begin.
  auto firstFrom = [&](int64_t begin) {
    return size_t(std::partition_point(order.begin(), order.end(),
                                       [&](size_t k) {
                                         return std::tie(all[k].space, all[k].begin) <
                                                std::tie(range.space, begin);
                                       }) -
                  order.begin());
  };
  if (range.begin >= range.end) return true;
  return visit(1, 0, leaves, firstFrom(INT64_MIN), firstFrom(range.end), range.begin, found);
}

/// Visits the leaves [low, high) below `node`, which has `count` leaves from `first` on.
bool IntervalSet::visit(size_t node, size_t first, size_t count, size_t low, size_t high, int64_t begin,
                        llvm::function_ref<bool(size_t)> found) const {
  if (low >= first + count || high <= first || latestEnd[node] <= begin) return true;
  if (count == 1) return found(order[first]);
  return visit(2 * node, first, count / 2, low, high, begin, found) &&
         visit(2 * node + 1, first + count / 2, count / 2, low, high, begin, found);
}

} // namespace drawloom
