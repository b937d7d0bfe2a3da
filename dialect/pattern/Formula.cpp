#include "dialect/pattern/Formula.h"
#include <algorithm>

using namespace mlir;

namespace drawloom {

static AffineExpr toAffine(const ExprNode &e, const FormulaSpace &space) {
  switch (e.kind) {
  case ExprKind::Constant: return getAffineConstantExpr(e.value, space.i.getContext());
  case ExprKind::Head: return space.h;
  case ExprKind::Query: return space.i;
  case ExprKind::Key: return space.j;
  case ExprKind::Length: return space.n;
  case ExprKind::Add: return toAffine(*e.lhs, space) + toAffine(*e.rhs, space);
  case ExprKind::Sub: return toAffine(*e.lhs, space) - toAffine(*e.rhs, space);
  case ExprKind::Mul: return toAffine(*e.lhs, space) * e.value;
  case ExprKind::FloorDiv: return toAffine(*e.lhs, space).floorDiv(e.value);
  case ExprKind::Mod: return toAffine(*e.lhs, space) % e.value;
  }
  return {};
}

AffineExpr summaryOffset(AffineExpr h, int64_t l, int64_t c) { return (h % (l / c) + 1) * -c + l; }

namespace {

/// Builds the disjunctive normal form, `not` pushed to the leaves on the way.
class Builder {
public:
  explicit Builder(const FormulaSpace &space) : space(space) {}
  using Union = std::vector<Conjunction>;

  Union build(const SetNode &s, bool negated) {
    switch (s.kind) {
    case SetKind::Form: return form(s, negated);
    case SetKind::Comparison: return comparison(s, negated);
    case SetKind::And: return connect(s, !negated, negated);
    case SetKind::Or: return connect(s, negated, negated);
    case SetKind::Not: return build(*s.children.front(), !negated);
    case SetKind::Heads: return heads(s, negated);
    }
    return {};
  }

private:
  /// e >= 0 as a union; a constant condition is the empty union or the union of the empty conjunction.
  static Union atLeastZero(AffineExpr e) {
    if (auto c = dyn_cast<AffineConstantExpr>(e)) return c.getValue() >= 0 ? Union{{}} : Union{};
    return {{Condition{e}}};
  }
  static Union equalsZero(AffineExpr e) {
    if (auto c = dyn_cast<AffineConstantExpr>(e)) return c.getValue() == 0 ? Union{{}} : Union{};
    return {{Condition{e, true}}};
  }
  static Union either(Union a, const Union &b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  }
  static Union both(const Union &a, const Union &b) {
    Union result;
    for (const Conjunction &x : a)
      for (const Conjunction &y : b) {
        Conjunction z = x;
        z.append(y.begin(), y.end());
        result.push_back(std::move(z));
      }
    return result;
  }
  static Union differsFromZero(AffineExpr e) { return either(atLeastZero(e - 1), atLeastZero(-e - 1)); }

  Union form(const SetNode &s, bool negated) {
    AffineExpr i = space.i, j = space.j;
    auto local = [&] { return atLeastZero(negated ? i - j - s.l : j - i + (s.l - 1)); };
    auto column = [&] { return negated ? atLeastZero((i - j) % s.l - 1) : equalsZero((i - j) % s.l); };
    // j <= i always holds, so "the same block" is "the key's block is not earlier".
    auto block = [&] {
      AffineExpr d = i.floorDiv(s.l) - j.floorDiv(s.l);
      return negated ? atLeastZero(d - 1) : atLeastZero(-d);
    };
    auto unite = [&](const Union &a, const Union &b) { return negated ? both(a, b) : either(a, b); };
    switch (s.form) {
    case FormKind::Local: return local();
    case FormKind::Column: return column();
    case FormKind::Block: return block();
    case FormKind::Summary: return summary(s, negated);
    case FormKind::Strided: return unite(local(), column());
    case FormKind::Fixed: return unite(block(), summary(s, negated));
    case FormKind::Dense: return negated ? Union{} : Union{{}};
    }
    return {};
  }

  Union summary(const SetNode &s, bool negated) {
    if (s.l == s.c) return negated ? Union{} : Union{{}};
    if (space.keepSummary && !negated && !isa<AffineConstantExpr>(space.h))
      return {{Condition{{}, false, s.l, s.c}}};
    AffineExpr lo = summaryOffset(space.h, s.l, s.c), x = space.j % s.l;
    if (negated) return either(atLeastZero(lo - x - 1), atLeastZero(x - lo - s.c));
    return both(atLeastZero(x - lo), atLeastZero(lo + (s.c - 1) - x));
  }

  Union comparison(const SetNode &s, bool negated) {
    AffineExpr a = toAffine(*s.lhs, space), b = toAffine(*s.rhs, space);
    switch (s.compare) {
    case Compare::LT: return atLeastZero(negated ? a - b : b - a - 1);
    case Compare::LE: return atLeastZero(negated ? a - b - 1 : b - a);
    case Compare::GT: return atLeastZero(negated ? b - a : a - b - 1);
    case Compare::GE: return atLeastZero(negated ? b - a - 1 : a - b);
    case Compare::EQ: return negated ? differsFromZero(a - b) : equalsZero(a - b);
    case Compare::NE: return negated ? equalsZero(a - b) : differsFromZero(a - b);
    }
    return {};
  }

  Union connect(const SetNode &s, bool conjunctive, bool negated) {
    Union result = build(*s.children.front(), negated);
    for (size_t k = 1; k < s.children.size(); ++k) {
      Union next = build(*s.children[k], negated);
      result = conjunctive ? both(result, next) : either(std::move(result), next);
    }
    return result;
  }

  Union heads(const SetNode &s, bool negated) {
    Union result;
    int64_t count = s.children.size();
    for (int64_t k = 0; k < count; ++k) {
      Union mine = equalsZero(space.h % count - k);
      if (!mine.empty()) result = either(std::move(result), both(mine, build(*s.children[k], negated)));
    }
    return result;
  }

  const FormulaSpace &space;
};

int64_t saturate(__int128 x) { return int64_t(std::min<__int128>(x, 1 << 20)); }

int64_t sizeOf(const SetNode &s, bool negated) {
  switch (s.kind) {
  case SetKind::Form:
    if (s.form == FormKind::Summary) return negated ? 2 : 1;
    if (s.form == FormKind::Strided) return negated ? 1 : 2;
    return s.form == FormKind::Fixed ? 2 : 1;
  case SetKind::Comparison: return s.compare == (negated ? Compare::EQ : Compare::NE) ? 2 : 1;
  case SetKind::Not: return sizeOf(*s.children.front(), !negated);
  case SetKind::Heads: {
    __int128 sum = 0;
    for (const SetRef &c : s.children) sum += sizeOf(*c, negated);
    return saturate(sum);
  }
  default: break;
  }
  bool conjunctive = (s.kind == SetKind::And) != negated;
  __int128 size = conjunctive ? 1 : 0;
  for (const SetRef &c : s.children)
    size = saturate(conjunctive ? size * sizeOf(*c, negated) : size + sizeOf(*c, negated));
  return saturate(size);
}

bool uses(const ExprNode &e, ExprKind variable) {
  return e.kind == variable || (e.lhs && uses(*e.lhs, variable)) || (e.rhs && uses(*e.rhs, variable));
}

} // namespace

std::vector<Conjunction> toDisjunction(const SetNode &set, const FormulaSpace &space) {
  return Builder(space).build(set, false);
}

int64_t disjunctionSize(const SetNode &set) { return sizeOf(set, false); }

bool usesVariable(const SetNode &set, ExprKind variable) {
  if (set.lhs && (uses(*set.lhs, variable) || uses(*set.rhs, variable))) return true;
  return std::any_of(set.children.begin(), set.children.end(),
                     [&](const SetRef &c) { return usesVariable(*c, variable); });
}

IntegerSet toIntegerSet(const Conjunction &conjunction, unsigned dims, unsigned symbols,
                        const FormulaSpace &space, llvm::ArrayRef<AffineExpr> nonNegative) {
  llvm::SmallVector<AffineExpr> exprs(nonNegative);
  llvm::SmallVector<bool> equalities(nonNegative.size(), false);
  for (const Condition &c : conjunction) {
    if (!c.l) {
      exprs.push_back(c.expr), equalities.push_back(c.equality);
      continue;
    }
    AffineExpr lo = summaryOffset(space.h, c.l, c.c), x = space.j % c.l;
    exprs.append({x - lo, lo + (c.c - 1) - x}), equalities.append(2, false);
  }
  if (exprs.empty())
    exprs.push_back(getAffineConstantExpr(0, space.i.getContext())), equalities.push_back(true);
  return IntegerSet::get(dims, symbols, exprs, equalities);
}

std::vector<IntegerSet> Pattern::sets(MLIRContext *context) const {
  FormulaSpace space{getAffineDimExpr(0, context), getAffineDimExpr(1, context), getAffineDimExpr(2, context),
                     getAffineSymbolExpr(0, context)};
  std::vector<IntegerSet> result;
  AffineExpr domain[] = {space.j, space.i - space.j, space.n - space.i - 1};
  for (const Conjunction &c : toDisjunction(*set, space))
    result.push_back(toIntegerSet(c, 3, 1, space, domain));
  return result;
}

} // namespace drawloom
