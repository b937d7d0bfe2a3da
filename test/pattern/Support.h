// What the pattern tests share: parsing that must succeed, the pairs of a view, random set expressions.
#pragma once
#include "dialect/pattern/ViewQuery.h"
#include "dialect/pattern/Views.h"
#include <array>
#include <gtest/gtest.h>
#include <random>
#include <set>

namespace drawloom::test {

inline Pattern parse(const std::string &text) {
  PatternError error;
  std::optional<Pattern> p = Pattern::parse(text, error);
  EXPECT_TRUE(p) << text << ": " << error.str();
  return p ? *p : *Pattern::parse("dense", error);
}

/// All (head, query, key) of a view, each as often as the view names it.
using Pairs = std::multiset<std::array<int64_t, 3>>;

inline Pairs pairsOf(const PieceView &view) {
  Pairs pairs;
  ViewEvaluator v(view);
  for (int64_t h : view.heads)
    for (int64_t s = 0; s < v.slices(h); ++s)
      for (int64_t r = 0; r < v.rows(h, s); ++r) {
        Interval x = v.keySlots(h, s, r);
        for (int64_t t = x.lo; t < x.hi; ++t) pairs.insert({h, v.query(h, s, r), v.key(h, s, t)});
      }
  return pairs;
}

/// Random set expressions of the kinds people write: bounds of distances, residues, blocks, constants, forms,
/// and odd ones.
class RandomPatterns {
public:
  explicit RandomPatterns(unsigned seed) : rng(seed) {}
  std::string set(int depth) {
    int kind = depth == 0 ? 0 : pick(0, 4);
    if (kind == 1) return "(" + set(depth - 1) + " and " + set(depth - 1) + ")";
    if (kind == 2) return "(" + set(depth - 1) + " or " + set(depth - 1) + ")";
    if (kind == 3) return "not " + set(depth - 1);
    return atom();
  }

private:
  int64_t pick(int64_t lo, int64_t hi) { return std::uniform_int_distribution<int64_t>(lo, hi)(rng); }
  std::string number(int64_t lo, int64_t hi) { return std::to_string(pick(lo, hi)); }
  std::string period() { return number(1, 24); }
  std::string compare() { return std::vector<std::string>{"<", "<=", ">", ">=", "==", "!="}[pick(0, 5)]; }
  std::string atom() {
    std::string l = period();
    int64_t c = pick(1, 6);
    switch (pick(0, 15)) {
    case 0: return "i - j " + compare() + " " + number(0, 60);
    case 1: return "(i - j) mod " + l + " == " + number(0, 5);
    case 2: return "i // " + l + " == j // " + l;
    case 3: return "i // " + l + " - j // " + l + " " + compare() + " " + number(0, 3);
    case 4: return "j mod " + l + " " + compare() + " " + number(0, 20);
    case 5: return "j " + compare() + " " + number(0, 40);
    case 6: return "i " + compare() + " " + number(0, 60);
    case 7: return "i mod " + l + " == j mod " + l;
    case 8: return "local(" + number(1, 70) + ")";
    case 9: return "column(" + l + ")";
    case 10: return "block(" + number(1, 70) + ")";
    case 11: return "summary(" + std::to_string(c * pick(1, 6)) + ", c=" + std::to_string(c) + ")";
    case 12: return "fixed(" + std::to_string(c * pick(1, 6)) + ", " + std::to_string(c) + ")";
    case 13: return "i + j " + compare() + " " + number(0, 150);
    case 14: return "2 * i - 3 * j " + compare() + " h + " + number(0, 60);
    default: return "(i + 2 * h) mod " + l + " " + compare() + " n // 7 - j // 3";
    }
  }
  std::mt19937 rng;
};

} // namespace drawloom::test
