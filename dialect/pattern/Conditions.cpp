#include "dialect/pattern/Conditions.h"
#include <numeric>

using namespace mlir;
using llvm::SmallVector;

namespace drawloom {

constexpr unsigned kQuery = 1, kKey = 2;

CellSpace::CellSpace(MLIRContext *context, int64_t n, int64_t headLo, int64_t headHi)
    : context(context), n(n), headLo(headLo), headHi(headHi) {
  AffineExpr h = headLo == headHi ? getAffineConstantExpr(headLo, context) : getAffineDimExpr(0, context);
  formula = {h, getAffineDimExpr(kQuery, context), getAffineDimExpr(kKey, context),
             getAffineConstantExpr(n, context), true};
  auto positions = std::make_pair(int64_t(0), n - 1);
  ranges.dims = {std::make_pair(headLo, headHi), positions, positions};
  ranges.causal = true;
}

Cond makeRelation(Linear e) {
  Cond c;
  c.relation = std::move(e);
  return c;
}

Cond makeCausality(const CellSpace &space) {
  Linear e;
  e.add(space.formula.i, 1), e.add(space.formula.j, -1);
  return makeRelation(std::move(e));
}

static Cond never() {
  Linear e;
  e.constant = -1;
  return makeRelation(std::move(e));
}

//===-- monotone relations -----------------------------------------------------------------------===//

static bool isFloor(AffineExpr e) { return e.getKind() == AffineExprKind::FloorDiv; }
static int64_t divisorOf(AffineExpr e) {
  return cast<AffineConstantExpr>(cast<AffineBinaryOpExpr>(e).getRHS()).getValue();
}
static AffineExpr dividendOf(AffineExpr e) { return cast<AffineBinaryOpExpr>(e).getLHS(); }

/// Solves chain <= bound (upper) or chain >= bound for the variable, where chain = coefficient * atom +
/// constant with coefficient > 0 and the atom is the variable or a floordiv of such a chain. Null if it is
/// not.
static AffineExpr invert(const Linear &chain, AffineExpr bound, bool upper) {
  if (chain.terms.size() != 1 || chain.terms[0].second <= 0) return {};
  auto [atom, coefficient] = chain.terms[0];
  AffineExpr v = bound - chain.constant;
  v = upper ? v.floorDiv(coefficient) : (v + (coefficient - 1)).floorDiv(coefficient);
  if (isa<AffineDimExpr>(atom)) return v;
  if (!isFloor(atom)) return {};
  int64_t k = divisorOf(atom);
  return invert(toLinear(dividendOf(atom)), upper ? v * k + (k - 1) : v * k, upper);
}

std::optional<Relation> solve(const Linear &e, const CellSpace &space) {
  Linear query, key; // the parts that mention i and j, without the constant
  for (auto [atom, c] : e.terms) {
    bool i = atom.isFunctionOfDim(kQuery), j = atom.isFunctionOfDim(kKey);
    if (i == j || atom.isFunctionOfDim(0)) return std::nullopt;
    (i ? query : key).add(atom, c);
  }
  if (query.terms.size() > 1 || key.terms.size() > 1 || (query.isConstant() && key.isConstant()))
    return std::nullopt;
  auto constant = [&](int64_t v) { return getAffineConstantExpr(v, space.context); };
  auto negated = [](const Linear &x) { return Linear().addScaled(x, -1); };
  // One variable: coefficient * atom >= -constant.
  if (query.isConstant() || key.isConstant()) {
    const Linear &x = query.isConstant() ? key : query;
    bool min = x.terms[0].second > 0;
    AffineExpr v =
        min ? invert(x, constant(-e.constant), false) : invert(negated(x), constant(e.constant), true);
    if (!v) return std::nullopt;
    bool isKey = query.isConstant();
    Relation r{isKey ? (min ? Relation::KeyMin : Relation::KeyMax)
                     : (min ? Relation::QueryMin : Relation::QueryMax),
               {},
               {}};
    r.value = toLinear(v).constant;
    return r;
  }
  bool upper = query.terms[0].second > 0;
  if (upper == (key.terms[0].second > 0)) return std::nullopt; // the bound would fall as i grows
  // Upper: -key <= query + constant; query >= -key - constant. Lower: key >= -query - constant; -query <= key
  // + constant.
  AffineExpr keyBound, queryBound;
  if (upper) {
    keyBound = invert(negated(key), query.expr(space.context) + e.constant, true);
    queryBound = invert(query, -key.expr(space.context) - e.constant, false);
  } else {
    keyBound = invert(key, -query.expr(space.context) - e.constant, false);
    queryBound = invert(negated(query), key.expr(space.context) + e.constant, true);
  }
  if (!keyBound || !queryBound) return std::nullopt;
  return Relation{upper ? Relation::Upper : Relation::Lower, simplify(keyBound), simplify(queryBound)};
}

//===-- recognition ------------------------------------------------------------------------------===//

/// Recognition computes with products of a condition's constants; it leaves conditions with enormous ones to
/// the predicate.
static bool isModest(AffineExpr e) {
  __int128 product = 1;
  bool modest = true;
  e.walk([&](AffineExpr x) {
    auto c = dyn_cast<AffineConstantExpr>(x);
    if (!c || !modest) return;
    product *= std::max<int64_t>(1, std::abs(c.getValue()));
    modest = product < (__int128(1) << 50);
  });
  return modest;
}

/// lo <= x mod m < lo + w (0 <= lo, lo + w <= m) for x = sign * (i - j, i or j) + constant.
static std::optional<SmallVector<Cond, 2>> recognizeResidue(Linear x, int64_t m, int64_t lo, int64_t w,
                                                            const CellSpace &space) {
  if (w <= 0) return SmallVector<Cond, 2>{never()};
  if (w >= m) return SmallVector<Cond, 2>{};
  Cond c;
  c.kind = Cond::Residue, c.m = m, c.w = w, c.start = floorMod(lo - x.constant, m);
  x.constant = 0;
  // Coefficients count modulo m; the first is made positive.
  Linear reduced;
  for (auto [atom, k] : x.terms)
    reduced.add(atom, floorMod(k, m) * 2 > m ? floorMod(k, m) - m : floorMod(k, m));
  x = reduced;
  if (x.terms.empty())
    return c.start == 0 || c.start + w > m ? SmallVector<Cond, 2>{} : SmallVector<Cond, 2>{never()};
  if (x.terms[0].second < 0) {
    x = Linear().addScaled(x, -1);
    c.start = floorMod(-(c.start + w - 1), m);
  }
  auto isDim = [](AffineExpr e, unsigned d) { return isa<AffineDimExpr>(e) && e.isFunctionOfDim(d); };
  auto is = [&](unsigned k, unsigned dim, int64_t coefficient) {
    return isDim(x.terms[k].first, dim) && x.terms[k].second == coefficient;
  };
  bool keySign = m == 2; // modulo 2, +1 and -1 are one
  if (x.terms.size() == 1 && is(0, kQuery, 1))
    c.axis = Cond::Query;
  else if (x.terms.size() == 1 && is(0, kKey, 1))
    c.axis = Cond::Key;
  else if (x.terms.size() == 2 && is(0, kQuery, 1) && (is(1, kKey, -1) || (keySign && is(1, kKey, 1))))
    c.axis = Cond::Distance;
  else
    return std::nullopt;
  if (m >= space.n && c.start + w <= m) { // no position wraps: plain bounds
    if (c.axis == Cond::Distance && x.terms[1].second == 1) return std::nullopt;
    Linear above = x, below = Linear().addScaled(x, -1);
    above.constant = -c.start, below.constant = c.start + w - 1;
    return SmallVector<Cond, 2>{makeRelation(above), makeRelation(below)};
  }
  return SmallVector<Cond, 2>{c};
}

static bool isMod(AffineExpr e) { return e.getKind() == AffineExprKind::Mod; }

static std::optional<SmallVector<Cond, 2>> recognizeAtLeastZero(Linear e, const CellSpace &space) {
  if (e.isConstant()) return e.constant >= 0 ? SmallVector<Cond, 2>{} : SmallVector<Cond, 2>{never()};
  if (e.terms.size() == 1) {
    auto [atom, a] = e.terms[0];
    if (isMod(atom)) {
      int64_t m = divisorOf(atom);
      int64_t lo = a > 0 ? std::max<int64_t>(0, ceilDiv(-e.constant, a)) : 0;
      int64_t hi = a > 0 ? m : std::min(m, floorDiv(e.constant, -a) + 1);
      return recognizeResidue(toLinear(dividendOf(atom), space.ranges), m, lo, hi - lo, space);
    }
    if (isFloor(atom)) { // a floor((...)/k) + c >= 0 bounds what is divided
      int64_t k = divisorOf(atom);
      Linear inner = toLinear(dividendOf(atom), space.ranges);
      if (a > 0) {
        inner.constant -= k * ceilDiv(-e.constant, a);
      } else {
        inner = Linear().addScaled(inner, -1);
        inner.constant += k * floorDiv(e.constant, -a) + k - 1;
      }
      return recognizeAtLeastZero(std::move(inner), space);
    }
  }
  if (llvm::any_of(e.terms, [](const auto &t) { return isMod(t.first); }))
    return recognizeAtLeastZero(expandMods(e, space.ranges), space);
  int64_t g = 0;
  for (auto &t : e.terms) g = std::gcd(g, t.second);
  for (auto &t : e.terms) t.second /= g;
  e.constant = floorDiv(e.constant, g);
  if (!solve(e, space)) return std::nullopt;
  return SmallVector<Cond, 2>{makeRelation(std::move(e))};
}

static std::optional<SmallVector<Cond, 2>> recognizeEqualsZero(const Linear &e, const CellSpace &space) {
  if (e.isConstant()) return e.constant == 0 ? SmallVector<Cond, 2>{} : SmallVector<Cond, 2>{never()};
  if (e.terms.size() == 1 && isMod(e.terms[0].first)) {
    auto [atom, a] = e.terms[0];
    int64_t value = -e.constant / a, m = divisorOf(atom);
    if (e.constant % a != 0 || value < 0 || value >= m) return SmallVector<Cond, 2>{never()};
    return recognizeResidue(toLinear(dividendOf(atom), space.ranges), m, value, 1, space);
  }
  if (e.terms.size() == 2 && e.constant == 0 && isMod(e.terms[0].first) && isMod(e.terms[1].first) &&
      e.terms[0].second == -e.terms[1].second && divisorOf(e.terms[0].first) == divisorOf(e.terms[1].first)) {
    Linear difference = toLinear(dividendOf(e.terms[0].first), space.ranges);
    difference.addScaled(toLinear(dividendOf(e.terms[1].first), space.ranges), -1);
    return recognizeResidue(difference, divisorOf(e.terms[0].first), 0, 1, space);
  }
  auto above = recognizeAtLeastZero(e, space), below = recognizeAtLeastZero(Linear().addScaled(e, -1), space);
  if (!above || !below) return std::nullopt;
  above->append(*below);
  return above;
}

std::optional<SmallVector<Cond, 2>> recognize(const Condition &condition, const CellSpace &space) {
  if (condition.l) {
    Cond c;
    c.kind = Cond::Summary, c.l = condition.l, c.c = condition.c;
    return SmallVector<Cond, 2>{c};
  }
  if (!isModest(condition.expr)) return std::nullopt;
  Linear e = toLinear(condition.expr, space.ranges);
  if (mentions(e, 0)) return std::nullopt;
  return condition.equality ? recognizeEqualsZero(e, space) : recognizeAtLeastZero(std::move(e), space);
}

//===-- logic ------------------------------------------------------------------------------------===//

std::optional<Cond> negate(const Cond &condition) {
  Cond c = condition;
  switch (c.kind) {
  case Cond::Relation:
    c.relation = Linear().addScaled(c.relation, -1);
    c.relation.constant -= 1;
    break;
  case Cond::Residue: c.start = floorMod(c.start + c.w, c.m), c.w = c.m - c.w; break;
  case Cond::Summary: return std::nullopt;
  }
  return c;
}

void mergeResidues(Cell &cell) {
  auto plain = [](const Cond &c) { return c.kind == Cond::Residue && c.start + c.w <= c.m; };
  for (size_t a = 0; a < cell.size(); ++a)
    for (size_t b = cell.size(); b-- > a + 1;) {
      Cond &x = cell[a], &y = cell[b];
      if (!plain(x) || !plain(y) || x.axis != y.axis || x.m != y.m) continue;
      int64_t lo = std::max(x.start, y.start), hi = std::min(x.start + x.w, y.start + y.w);
      if (lo < hi)
        x.start = lo, x.w = hi - lo;
      else
        x = never();
      cell.erase(cell.begin() + b);
      if (lo >= hi) break;
    }
}

void dropRedundant(Cell &cell, const CellSpace &space) {
  // Causality is part of the space, so everything else is judged with it. It is itself implied only by what
  // then remains.
  Cond causality = makeCausality(space);
  llvm::erase_if(cell, [&](const Cond &c) {
    return c.kind == Cond::Relation && c.relation.constant == 0 &&
           c.relation.terms == causality.relation.terms;
  });
  for (size_t k = cell.size(); k-- > 0;) {
    std::optional<Cond> opposite = negate(cell[k]);
    if (!opposite) continue;
    Cell test(cell);
    test[k] = *opposite;
    if (isEmpty(test, space)) cell.erase(cell.begin() + k);
  }
  CellSpace acausal = space;
  acausal.ranges.causal = false;
  Cell test(cell);
  test.push_back(*negate(causality));
  if (!isEmpty(test, acausal)) cell.push_back(causality);
}

} // namespace drawloom
