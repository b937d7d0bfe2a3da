// Which of many intervals overlap a range, while intervals come and go.
#pragma once
#include "llvm/ADT/STLFunctionalExtras.h"
#include <cstddef>
#include <cstdint>
#include <vector>

namespace drawloom {

/// Bytes [begin, end) of one of several spaces, which do not overlap each other.
struct Interval {
  unsigned space;
  int64_t begin, end;
};

/// A set of intervals that are known beforehand, each present or not. Changes take O(log n), questions
/// O((1 + found) log n).
class IntervalSet {
public:
  /// Intervals are named by their place in `all`. At first none is present.
  explicit IntervalSet(std::vector<Interval> all);

  void insert(size_t interval) { set(interval, all[interval].end); }
  void erase(size_t interval) { set(interval, kAbsent); }
  /// Calls `found` with each present interval that shares a byte with `range`, until it returns false; true
  /// if it never does.
  bool forEachOverlap(const Interval &range, llvm::function_ref<bool(size_t)> found) const;

private:
  static constexpr int64_t kAbsent = INT64_MIN;

  void set(size_t interval, int64_t end);
  bool visit(size_t node, size_t first, size_t count, size_t low, size_t high, int64_t begin,
             llvm::function_ref<bool(size_t)> found) const;

  std::vector<Interval> all;
  std::vector<size_t> order; ///< intervals by space and begin
  std::vector<size_t> rank;  ///< place in `order`
  size_t leaves = 1;         ///< a power of two
  std::vector<int64_t>
      latestEnd; ///< a binary tree over `order`: the greatest end of what is present below a node
};

} // namespace drawloom
