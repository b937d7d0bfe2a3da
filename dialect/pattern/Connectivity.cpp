#include "dialect/pattern/Connectivity.h"
#include "llvm/ADT/BitVector.h"

namespace drawloom {

Connectivity minimumSteps(const std::vector<Pattern> &patterns, int64_t n, int64_t heads) {
  auto reaches = [&](int64_t i, int64_t j) {
    for (const Pattern &p : patterns)
      for (int64_t h = 0; h < heads; ++h)
        if (p.contains(h, i, j, n)) return true;
    return false;
  };
  std::vector<llvm::BitVector> step(n, llvm::BitVector(n)), reached(n, llvm::BitVector(n));
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < i; ++j)
      if (reaches(i, j)) step[i].set(j);
    reached[i].set(i);
  }
  Connectivity result;
  for (int steps = 0;; ++steps) {
    bool complete = true;
    for (int64_t i = 0; i < n && complete; ++i) {
      int missing = reached[i].find_first_unset();
      if (missing >= 0 && missing < i) complete = false, result.query = i, result.key = missing;
    }
    if (complete) {
      result.steps = steps;
      return result;
    }
    // One more step: i reaches what its direct neighbours have reached so far.
    bool grew = false;
    std::vector<llvm::BitVector> next = reached;
    for (int64_t i = 0; i < n; ++i) {
      for (int k : step[i].set_bits()) next[i] |= reached[k];
      grew |= next[i] != reached[i];
    }
    if (!grew) return result;
    reached = std::move(next);
  }
}

} // namespace drawloom
