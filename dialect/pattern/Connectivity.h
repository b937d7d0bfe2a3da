// Can information flow? A factorization (a list of patterns, one a layer kind) is valid when every query i is
// reached by every key j <= i in at most p + 1 steps, where p is the number of patterns and a step follows
// one of them (paper section 4.2).
#pragma once
#include "dialect/pattern/Pattern.h"

namespace drawloom {

struct Connectivity {
  std::optional<int> steps;     ///< least number of steps that connects all pairs; nothing if no number does
  int64_t query = -1, key = -1; ///< a pair that needs the most steps (or is never connected)
  bool valid(size_t patterns) const { return steps && *steps <= int(patterns) + 1; }
};

/// Steps over the union of `patterns` and of all heads (heads mix in every layer's output projection); a
/// position always keeps what it has, by the residual path. Boolean reachability on n x n bits: O(n^3 / 64) a
/// step; for n up to a few thousand.
Connectivity minimumSteps(const std::vector<Pattern> &patterns, int64_t n, int64_t heads);

} // namespace drawloom
