// The invariants of View.h, by enumeration.
#include "dialect/pattern/ViewQuery.h"
#include <algorithm>

namespace drawloom {
namespace {

class Checker {
public:
  Checker(const PieceView &view, int64_t n, int64_t heads) : view(view), v(view), n(n), heads(heads) {}

  std::optional<std::string> run() {
    if (view.heads.empty()) return "expected at least one head";
    for (size_t k = 0; k < view.heads.size(); ++k)
      if (view.heads[k] < 0 || view.heads[k] >= heads || (k && view.heads[k] <= view.heads[k - 1]))
        return "expected ascending heads below " + std::to_string(heads);
    for (int64_t h : view.heads) {
      std::vector<bool> seen(n, false);
      for (int64_t s = 0; s < v.slices(h) && problem.empty(); ++s) slice(h, s, seen);
      if (!problem.empty()) return problem + " in head " + std::to_string(h);
    }
    return std::nullopt;
  }

private:
  void fail(std::string what) {
    if (problem.empty()) problem = std::move(what);
  }
  static std::string at(int64_t s, const char *name, int64_t x) {
    return " at slice " + std::to_string(s) + ", " + name + " " + std::to_string(x);
  }

  void slice(int64_t h, int64_t s, std::vector<bool> &seen) {
    int64_t rows = v.rows(h, s), keys = v.keys(h, s);
    if (rows < 0 || keys < 0) return fail("expected extents of at least 0" + at(s, "rows", rows));
    for (int64_t r = 0; r < rows; ++r) {
      int64_t i = v.query(h, s, r);
      if (i < 0 || i >= n)
        return fail("expected a query position below n, found " + std::to_string(i) + at(s, "row", r));
      if (seen[i]) return fail("query " + std::to_string(i) + " occurs twice" + at(s, "row", r));
      seen[i] = true;
    }
    std::vector<bool> isSlot(n, false);
    for (int64_t t = 0; t < keys; ++t) {
      int64_t j = v.key(h, s, t);
      if (j < 0 || j >= n)
        return fail("expected a key position below n, found " + std::to_string(j) + at(s, "slot", t));
      if (isSlot[j]) return fail("key " + std::to_string(j) + " occurs twice" + at(s, "slot", t));
      isSlot[j] = true;
    }
    for (int64_t r = 1; r < rows; ++r) {
      Interval a = v.rawKeySlots(h, s, r - 1), b = v.rawKeySlots(h, s, r);
      if (b.lo < a.lo) return fail("keyLo decreases" + at(s, "row", r));
      if (b.hi < a.hi) return fail("keyHi decreases" + at(s, "row", r));
    }
    for (int64_t t = 1; t < keys; ++t) {
      Interval a = v.rawQueryRows(h, s, t - 1), b = v.rawQueryRows(h, s, t);
      if (b.lo < a.lo) return fail("rowLo decreases" + at(s, "slot", t));
      if (b.hi < a.hi) return fail("rowHi decreases" + at(s, "slot", t));
    }
    transposed(h, s, rows, keys);
  }

  void transposed(int64_t h, int64_t s, int64_t rows, int64_t keys) {
    std::vector<Interval> byRow(rows), bySlot(keys);
    for (int64_t r = 0; r < rows; ++r) byRow[r] = v.keySlots(h, s, r);
    for (int64_t t = 0; t < keys; ++t) bySlot[t] = v.queryRows(h, s, t);
    auto within = [](const Interval &x, int64_t p) { return x.lo <= p && p < x.hi; };
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t t = 0; t < keys; ++t) {
        bool inKeys = within(byRow[r], t), inRows = within(bySlot[t], r);
        bool belongs = v.predicate(h, v.query(h, s, r), v.key(h, s, t)) && v.key(h, s, t) <= v.query(h, s, r);
        bool ok = v.hasPredicate() ? !belongs || (inKeys && inRows) : inKeys == inRows;
        if (!ok)
          return fail("key bounds and row bounds disagree" + at(s, "row", r) + ", slot " + std::to_string(t));
      }
  }

  const PieceView &view;
  ViewEvaluator v;
  int64_t n, heads;
  std::string problem;
};

} // namespace

std::optional<std::string> verifyView(const PieceView &view, int64_t n, int64_t heads) {
  return Checker(view, n, heads).run();
}

} // namespace drawloom
