#include "dialect/pattern/CountUnion.h"
#include "dialect/pattern/Syntax.h"
#include "dialect/pattern/ViewQuery.h"
#include <algorithm>
#include <numeric>

using namespace mlir;

namespace drawloom {
namespace {

using Wide = __int128;
constexpr int64_t kLongestPeriod = int64_t(1) << 31;

//===-- periods ----------------------------------------------------------------------------------===//

/// e(i + period, j) = e(i, j) + perQuery and e(i, j + period) = e(i, j) + perKey, for every i and j
/// (dimensions 1 and 2).
struct Period {
  int64_t period = 1, perQuery = 0, perKey = 0;
};

/// The same with a multiple of the period; nothing if it is too long.
std::optional<Period> stretched(Period p, Wide period) {
  Wide factor = period / p.period, limit = Wide(1) << 62;
  Wide q = factor * p.perQuery, k = factor * p.perKey;
  if (period > kLongestPeriod || q > limit || q < -limit || k > limit || k < -limit) return std::nullopt;
  return Period{int64_t(period), int64_t(q), int64_t(k)};
}

/// The period of e; dimension 1 counts as a constant if it is `fixed`.
std::optional<Period> periodOf(AffineExpr e, bool fixed = false) {
  if (isa<AffineConstantExpr>(e)) return Period{};
  if (auto d = dyn_cast<AffineDimExpr>(e))
    return Period{1, !fixed && d.getPosition() == 1, d.getPosition() == 2};
  auto b = cast<AffineBinaryOpExpr>(e);
  std::optional<Period> x = periodOf(b.getLHS(), fixed);
  if (!x) return std::nullopt;
  if (e.getKind() == AffineExprKind::Add) {
    std::optional<Period> y = periodOf(b.getRHS(), fixed);
    if (!y) return std::nullopt;
    Wide common = Wide(x->period) / std::gcd(x->period, y->period) * y->period;
    x = stretched(*x, common), y = stretched(*y, common);
    if (!x || !y) return std::nullopt;
    return Period{x->period, x->perQuery + y->perQuery, x->perKey + y->perKey};
  }
  int64_t k = cast<AffineConstantExpr>(b.getRHS()).getValue();
  if (e.getKind() == AffineExprKind::Mul) return Period{x->period, x->perQuery * k, x->perKey * k};
  // A division is linear over a period whose increments are multiples of the divisor.
  int64_t g = std::gcd(std::gcd(k, x->perQuery), x->perKey);
  x = stretched(*x, Wide(x->period) * (k / g));
  if (!x) return std::nullopt;
  if (e.getKind() == AffineExprKind::Mod) return Period{x->period, 0, 0};
  return Period{x->period, x->perQuery / k, x->perKey / k};
}

//===-- sums -------------------------------------------------------------------------------------===//

/// Σ floor((a u + b) / m) for u = 0 .. count - 1, m > 0 (Euclid-like recursion on (a, m)).
Wide floorSum(Wide count, Wide m, Wide a, Wide b) {
  Wide sum = 0;
  auto floorOf = [](Wide x, Wide y) { return x >= 0 ? x / y : -((-x + y - 1) / y); };
  Wide qa = floorOf(a, m), qb = floorOf(b, m);
  sum += count * (count - 1) / 2 * qa + count * qb;
  a -= qa * m, b -= qb * m;
  while (a != 0 && count > 0) {
    Wide top = a * count + b;
    if (top < m) break;
    // Count by rows instead of by columns.
    count = top / m, b = top % m;
    std::swap(a, m);
    sum += count * (count - 1) / 2 * (a / m) + count * (b / m);
    a %= m, b %= m;
  }
  return sum;
}

/// (a u + b) / m, m > 0.
struct Line {
  int64_t m;
  Wide a, b;
};
bool less(const Line &x, const Line &y, Wide u) { return (x.a * u + x.b) * y.m < (y.a * u + y.b) * x.m; }
Wide floorAt(const Line &x, Wide from, Wide to) {
  return floorSum(to - from + 1, x.m, x.a, x.a * from + x.b);
}
Wide ceilAt(const Line &x, Wide from, Wide to) {
  return -floorSum(to - from + 1, x.m, -x.a, -(x.a * from + x.b));
}

/// One set on fixed residues: lower <= v <= upper where all gates (lines of u alone) are >= 0.
struct Polygon {
  std::vector<Line> lower, upper, gates;
};

/// Integer points of the union of polygons with 0 <= u <= last.
class UnionCounter {
public:
  UnionCounter(const std::vector<Polygon> &polygons, int64_t last) : polygons(polygons), last(last) {}

  Wide run() {
    collectBreaks();
    Wide sum = 0, from = 0;
    for (Wide b : breaks) { // each break is a column of its own, then the open run up to the next
      if (b < from) continue;
      if (b > last) break;
      if (b > from) sum += segment(from, b - 1);
      sum += segment(b, b);
      from = b + 1;
    }
    if (from <= last) sum += segment(from, last);
    return sum;
  }

private:
  /// Columns at or around which the order of two lines changes. Both neighbours of a crossing between columns
  /// are listed.
  void collectBreaks() {
    std::vector<Line> lines;
    for (const Polygon &p : polygons) {
      lines.insert(lines.end(), p.lower.begin(), p.lower.end());
      lines.insert(lines.end(), p.upper.begin(), p.upper.end());
      for (const Line &g : p.gates)
        if (g.a != 0) addBreak(-g.b, g.a);
    }
    for (size_t x = 0; x < lines.size(); ++x)
      for (size_t y = 0; y < x; ++y) {
        Wide a = lines[x].a * lines[y].m - lines[y].a * lines[x].m,
             b = lines[x].b * lines[y].m - lines[y].b * lines[x].m;
        if (a != 0) addBreak(-b, a);
      }
    std::sort(breaks.begin(), breaks.end());
    breaks.erase(std::unique(breaks.begin(), breaks.end()), breaks.end());
  }
  void addBreak(Wide numerator, Wide denominator) {
    if (denominator < 0) numerator = -numerator, denominator = -denominator;
    if (numerator < 0 || numerator > Wide(last) * denominator) return;
    Wide u = numerator / denominator;
    breaks.push_back(u);
    if (numerator % denominator) breaks.push_back(u + 1);
  }

  /// Columns from .. to, over which the order of all lines is the same.
  Wide segment(Wide from, Wide to) const {
    std::vector<std::pair<const Line *, const Line *>> intervals;
    for (const Polygon &p : polygons) {
      if (std::any_of(p.gates.begin(), p.gates.end(), [&](const Line &g) { return g.a * from + g.b < 0; }))
        continue;
      auto order = [&](const Line &x, const Line &y) { return less(x, y, from); };
      const Line *lo = &*std::max_element(p.lower.begin(), p.lower.end(), order);
      const Line *hi = &*std::min_element(p.upper.begin(), p.upper.end(), order);
      if (!less(*hi, *lo, from)) intervals.push_back({lo, hi});
    }
    std::sort(intervals.begin(), intervals.end(),
              [&](const auto &x, const auto &y) { return less(*x.first, *y.first, from); });
    Wide sum = 0;
    for (size_t k = 0; k < intervals.size();) {
      auto [lo, hi] = intervals[k];
      for (++k; k < intervals.size() && !less(*hi, *intervals[k].first, from); ++k)
        if (less(*hi, *intervals[k].second, from)) hi = intervals[k].second;
      sum += floorAt(*hi, from, to) - ceilAt(*lo, from, to) + (to - from + 1);
    }
    return sum;
  }

  const std::vector<Polygon> &polygons;
  int64_t last;
  std::vector<Wide> breaks;
};

/// Every set's conditions, ready to be restricted to residues.
struct Conditions {
  struct Set {
    CompiledMap values;
    std::vector<bool> equality;
    std::vector<Period> periods;
  };
  std::vector<Set> sets;
  int64_t period = 1;
};

std::optional<Conditions> prepare(const std::vector<IntegerSet> &sets) {
  Conditions c;
  std::vector<std::vector<Period>> own;
  for (IntegerSet s : sets) {
    own.emplace_back();
    for (AffineExpr e : s.getConstraints()) {
      std::optional<Period> p = periodOf(e);
      if (!p) return std::nullopt;
      Wide common = Wide(c.period) / std::gcd(c.period, p->period) * p->period;
      if (common > kLongestPeriod) return std::nullopt;
      c.period = int64_t(common);
      own.back().push_back(*p);
    }
  }
  for (size_t k = 0; k < sets.size(); ++k) {
    Conditions::Set s{CompiledMap(AffineMap::get(3, 0, sets[k].getConstraints(), sets[k].getContext())),
                      std::vector<bool>(sets[k].getEqFlags().begin(), sets[k].getEqFlags().end()),
                      {}};
    for (const Period &p : own[k]) {
      std::optional<Period> q = stretched(p, c.period);
      if (!q) return std::nullopt;
      s.periods.push_back(*q);
    }
    c.sets.push_back(std::move(s));
  }
  return c;
}

/// The set on i = M u + x, j = M v + y, with 0 <= v and j <= i; false if it is empty for a condition without
/// u and v.
bool restrict(const Conditions::Set &s, int64_t h, int64_t x, int64_t y, Polygon &out) {
  out.lower = {{1, 0, 0}}, out.upper = {{1, 1, y <= x ? 0 : -1}};
  out.gates.clear();
  int64_t dims[] = {h, x, y};
  for (size_t k = 0; k < s.periods.size(); ++k) {
    Wide c = s.values.result(k, dims), a = s.periods[k].perQuery, b = s.periods[k].perKey;
    for (int sign : {1, -1}) { // sign (a u + b v + c) >= 0
      if (sign < 0 && !s.equality[k]) break;
      if (b == 0 && a == 0) {
        if (sign * c < 0) return false;
      } else if (b == 0) {
        out.gates.push_back({1, sign * a, sign * c});
      } else if (sign * b > 0) {
        out.lower.push_back({int64_t(sign * b), -sign * a, -sign * c});
      } else {
        out.upper.push_back({int64_t(-sign * b), sign * a, sign * c});
      }
    }
  }
  return true;
}

int64_t countByTests(const std::vector<IntegerSet> &sets, int64_t n, int64_t h) {
  CompiledSet compiled(sets);
  int64_t sum = 0;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j <= i; ++j) sum += compiled.contains(h, i, j);
  return sum;
}

} // namespace

int64_t countUnion(const std::vector<IntegerSet> &sets, int64_t n, int64_t h) {
  std::optional<Conditions> conditions = prepare(sets);
  if (!conditions || conditions->period > n) return countByTests(sets, n, h);
  int64_t M = conditions->period;
  Wide sum = 0;
  std::vector<Polygon> polygons;
  Polygon polygon;
  for (int64_t x = 0; x < M; ++x)
    for (int64_t y = 0; y < M; ++y) {
      polygons.clear();
      for (const Conditions::Set &s : conditions->sets)
        if (restrict(s, h, x, y, polygon)) polygons.push_back(polygon);
      if (!polygons.empty()) sum += UnionCounter(polygons, floorDiv(n - 1 - x, M)).run();
    }
  return int64_t(sum);
}

//===-- intervals --------------------------------------------------------------------------------===//

IntervalCounter::IntervalCounter(AffineMap lo, AffineMap hi) : lo(lo), hi(hi) {
  auto collect = [&](AffineMap map, std::vector<int64_t> &own, std::vector<int64_t> &increments) {
    for (AffineExpr e : map.getResults()) {
      std::optional<Period> p = periodOf(e, /*fixed=*/true);
      Wide common = p ? Wide(period) / std::gcd(period, p->period) * p->period : kLongestPeriod;
      if (common >= kLongestPeriod) return false;
      period = int64_t(common);
      own.push_back(p->period), increments.push_back(p->perKey);
    }
    return true;
  };
  std::vector<int64_t> ownLo, ownHi;
  if (!collect(lo, ownLo, loStep) || !collect(hi, ownHi, hiStep)) {
    period = kLongestPeriod;
    return;
  }
  for (size_t k = 0; k < loStep.size(); ++k) loStep[k] *= period / ownLo[k];
  for (size_t k = 0; k < hiStep.size(); ++k) hiStep[k] *= period / ownHi[k];
}

int64_t IntervalCounter::count(int64_t h, int64_t s, int64_t rows, int64_t slots) const {
  int64_t dims[] = {h, s, 0}, &row = dims[2];
  Wide sum = 0;
  if (period > rows / 16) { // too few repetitions to gain from
    for (row = 0; row < rows; ++row)
      sum += std::max<int64_t>(0, std::min(hi.min(dims), slots) - std::max<int64_t>(lo.max(dims), 0));
    return int64_t(sum);
  }
  std::vector<Polygon> polygon(1);
  for (row = 0; row < period; ++row) { // rows u * period + row, slots v
    polygon[0].lower = {{1, 0, 0}}, polygon[0].upper = {{1, 0, slots - 1}};
    for (size_t k = 0; k < loStep.size(); ++k) polygon[0].lower.push_back({1, loStep[k], lo.result(k, dims)});
    for (size_t k = 0; k < hiStep.size(); ++k)
      polygon[0].upper.push_back({1, hiStep[k], hi.result(k, dims) - 1});
    sum += UnionCounter(polygon, (rows - 1 - row) / period).run();
  }
  return int64_t(sum);
}

} // namespace drawloom
