// Proofs that no pair satisfies some conditions, by Presburger's integer emptiness test. Every integer
// unknown is a dimension: i, j, one quotient for each division, and for a summary its block and its place k
// among the heads.
#include "dialect/pattern/Conditions.h"
#include "dialect/pattern/Syntax.h"
#include "mlir/Analysis/FlatLinearValueConstraints.h"

using namespace mlir;
using llvm::SmallVector;

namespace drawloom {
namespace {

constexpr unsigned kMaxDivisions = 8; ///< in a formula's conjunction: each makes the integer search harder

/// Rows of coefficients over unknowns that are added on the way, the constant kept apart.
class System {
public:
  explicit System(const CellSpace &space) : space(space) {
    for (int64_t x : {0, 1}) { // 0 <= i, j < n
      atLeastZero({{x, 1}}, 0);
      atLeastZero({{x, -1}}, space.n - 1);
    }
    if (space.ranges.causal) atLeastZero({{0, 1}, {1, -1}}, 0);
  }

  void add(const Cond &c) {
    switch (c.kind) {
    case Cond::Relation: {
      Row row = rowOf(c.relation);
      atLeastZero(row.terms, row.constant);
      break;
    }
    case Cond::Residue: { // 0 <= x - start - m q < w
      Terms x = c.axis == Cond::Distance ? Terms{{0, 1}, {1, -1}}
                : c.axis == Cond::Key    ? Terms{{1, 1}}
                                         : Terms{{0, 1}};
      x.push_back({unknowns++, -c.m});
      between(x, -c.start, c.w);
      break;
    }
    case Cond::Summary: { // 0 <= j - l q - (l - c (k + 1)) < c; which head has which k is left open
      int64_t q = unknowns++, k = unknowns++;
      between({{1, 1}, {q, -c.l}, {k, c.c}}, c.c - c.l, c.c);
      between({{k, 1}}, 0, c.l / c.c);
      break;
    }
    }
  }

  bool isEmpty() const {
    presburger::IntegerPolyhedron p(presburger::PresburgerSpace::getSetSpace(unknowns));
    SmallVector<int64_t> dense;
    for (const Row &row : rows) {
      dense.assign(unknowns + 1, 0);
      for (auto [x, c] : row.terms) dense[x] += c;
      dense.back() = row.constant;
      if (row.equality)
        p.addEquality(dense);
      else
        p.addInequality(dense);
    }
    return p.isIntegerEmpty();
  }

private:
  using Terms = SmallVector<std::pair<int64_t, int64_t>, 4>; ///< unknown, coefficient
  struct Row {
    Terms terms;
    int64_t constant = 0;
    bool equality = false;
  };

  void atLeastZero(Terms terms, int64_t constant) { rows.push_back({std::move(terms), constant, false}); }
  /// 0 <= terms + constant < width.
  void between(const Terms &terms, int64_t constant, int64_t width) {
    if (width == 1) return rows.push_back({terms, constant, true});
    atLeastZero(terms, constant);
    Terms negated(terms);
    for (auto &t : negated) t.second = -t.second;
    atLeastZero(std::move(negated), width - 1 - constant);
  }

  Row rowOf(const Linear &e) {
    Row row;
    row.constant = e.constant;
    for (auto [atom, c] : e.terms) {
      if (auto d = dyn_cast<AffineDimExpr>(atom)) {
        row.terms.push_back({d.getPosition() - 1, c});
        continue;
      }
      auto b = cast<AffineBinaryOpExpr>(atom);
      int64_t k = cast<AffineConstantExpr>(b.getRHS()).getValue(), q = quotient(b.getLHS(), k);
      if (atom.getKind() == AffineExprKind::FloorDiv) {
        row.terms.push_back({q, c});
        continue;
      }
      Row inner = rowOf(toLinear(b.getLHS(), space.ranges)); // e mod k = e - k q
      for (auto [x, a] : inner.terms) row.terms.push_back({x, a * c});
      row.terms.push_back({q, -c * k});
      row.constant += c * inner.constant;
    }
    return row;
  }

  /// The unknown q with 0 <= e - k q < k.
  int64_t quotient(AffineExpr e, int64_t k) {
    for (const auto &known : quotients)
      if (std::get<0>(known) == e && std::get<1>(known) == k) return std::get<2>(known);
    Row inner = rowOf(toLinear(e, space.ranges));
    int64_t q = unknowns++;
    quotients.push_back({e, k, q});
    inner.terms.push_back({q, -k});
    between(inner.terms, inner.constant, k);
    return q;
  }

  const CellSpace &space;
  std::vector<Row> rows;
  SmallVector<std::tuple<AffineExpr, int64_t, int64_t>> quotients;
  int64_t unknowns = 2;
};

//===-- witnesses --------------------------------------------------------------------------------===//

int64_t valueOf(AffineExpr e, int64_t i, int64_t j) {
  if (auto c = dyn_cast<AffineConstantExpr>(e)) return c.getValue();
  if (auto d = dyn_cast<AffineDimExpr>(e)) return d.getPosition() == 1 ? i : j;
  auto b = cast<AffineBinaryOpExpr>(e);
  int64_t x = valueOf(b.getLHS(), i, j), y = valueOf(b.getRHS(), i, j);
  switch (e.getKind()) {
  case AffineExprKind::Add: return x + y;
  case AffineExprKind::Mul: return x * y;
  case AffineExprKind::Mod: return floorMod(x, y);
  case AffineExprKind::FloorDiv: return floorDiv(x, y);
  default: return ceilDiv(x, y);
  }
}

bool holds(const Cond &c, int64_t h, int64_t i, int64_t j) {
  switch (c.kind) {
  case Cond::Relation: {
    int64_t sum = c.relation.constant;
    for (auto [atom, k] : c.relation.terms) sum += k * valueOf(atom, i, j);
    return sum >= 0;
  }
  case Cond::Residue:
    return floorMod((c.axis == Cond::Distance ? i - j : c.axis == Cond::Key ? j : i) - c.start, c.m) < c.w;
  case Cond::Summary: {
    int64_t lo = c.l - c.c * (h % (c.l / c.c) + 1), x = j % c.l;
    return lo <= x && x < lo + c.c;
  }
  }
  return false;
}

/// Tries some pairs, near and far ones alike: most sets that are not empty show one, and that is a proof too.
bool hasWitness(llvm::ArrayRef<Cond> conditions, const CellSpace &space) {
  uint64_t state = 1;
  auto random = [&](int64_t bound) { // splitmix64, always the same
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return int64_t((z ^ (z >> 31)) % uint64_t(bound));
  };
  auto anyScale = [&](int64_t bound) { return random(std::min<int64_t>(bound, int64_t(1) << random(32))); };
  for (int tries = 0; tries < 256; ++tries) {
    int64_t h = space.headLo + random(space.headHi - space.headLo + 1), i, j;
    if (tries % 2)
      i = random(space.n), j = i - anyScale(i + 1);
    else
      j = anyScale(space.n), i = j + anyScale(space.n - j);
    if (!space.ranges.causal && tries % 4 < 2) std::swap(i, j);
    if (llvm::all_of(conditions, [&](const Cond &c) { return holds(c, h, i, j); })) return true;
  }
  return false;
}

} // namespace

bool isEmpty(llvm::ArrayRef<Cond> conditions, const CellSpace &space) {
  System system(space);
  bool trivial = true;
  for (const Cond &c : conditions) {
    if (c.kind == Cond::Relation) {
      auto r = rangeOf(c.relation, space.ranges);
      if (r && r->second < 0) return true;
      if (r && r->first >= 0) continue;
    }
    system.add(c);
    trivial = false;
  }
  if (trivial || space.proofsLeft == 0 || hasWitness(conditions, space)) return false;
  --space.proofsLeft;
  return system.isEmpty();
}

bool isEmpty(const Conjunction &conjunction, const CellSpace &space) {
  unsigned divisions = 0;
  for (const Condition &c : conjunction) {
    if (!c.expr) continue;
    c.expr.walk([&](AffineExpr e) {
      divisions += e.getKind() == AffineExprKind::Mod || e.getKind() == AffineExprKind::FloorDiv;
    });
  }
  if (divisions > kMaxDivisions || space.proofsLeft == 0) return false;
  --space.proofsLeft;
  const FormulaSpace &f = space.formula;
  AffineExpr h = getAffineDimExpr(0, space.context);
  AffineExpr domain[] = {f.j, f.i - f.j, -f.i + (space.n - 1), h - space.headLo, -h + space.headHi};
  return FlatLinearValueConstraints(toIntegerSet(conjunction, 3, 0, f, domain)).isIntegerEmpty();
}

} // namespace drawloom
