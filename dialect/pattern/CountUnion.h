// Counting the points of a union of quasi-affine sets exactly, without going through them.
#pragma once
#include "dialect/pattern/ViewQuery.h"

namespace drawloom {

/// Pairs 0 <= j <= i < n with (h, i, j) in one of `sets` (dimensions h, i, j; no symbols).
///
/// Let M be a common period: every condition is linear in (u, v) on i = M u + x, j = M v + y for fixed
/// residues x, y. For each of the min(M, n)^2 residue pairs the sets are then polygons in (u, v), whose union
/// is summed column by column in closed form: between crossings of their edges the union's structure is
/// constant and each edge contributes a sum of floors. Cost: min(M, n)^2 times the number of crossings (about
/// K^2 / 2 for K conditions) times log n, or n^2 / 2 tests if M exceeds n.
int64_t countUnion(const std::vector<mlir::IntegerSet> &sets, int64_t n, int64_t h);

/// Counts the pairs (r, t) with 0 <= r < rows, 0 <= t < slots and max lo(h, s, r) <= t < min hi(h, s, r), by
/// the same closed form: the cost does not depend on `rows` but on the bounds' period in r. Short slices are
/// summed row by row.
class IntervalCounter {
public:
  IntervalCounter(mlir::AffineMap lo, mlir::AffineMap hi);
  int64_t count(int64_t h, int64_t s, int64_t rows, int64_t slots) const;

private:
  CompiledMap lo, hi;
  int64_t period = 1;
  std::vector<int64_t> loStep, hiStep; ///< what a result grows by in a period
};

} // namespace drawloom
