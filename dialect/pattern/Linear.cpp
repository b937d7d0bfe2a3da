#include "dialect/pattern/Linear.h"
#include "dialect/pattern/Syntax.h"
#include <algorithm>

using namespace mlir;

namespace drawloom {

/// A total order of atoms by structure (never by address), so that results do not vary from run to run.
static int compareAtoms(AffineExpr a, AffineExpr b) {
  if (a == b) return 0;
  if (a.getKind() != b.getKind()) return int(a.getKind()) > int(b.getKind()) ? -1 : 1; // dimensions first
  if (auto d = dyn_cast<AffineDimExpr>(a))
    return d.getPosition() < cast<AffineDimExpr>(b).getPosition() ? -1 : 1;
  if (auto c = dyn_cast<AffineConstantExpr>(a))
    return c.getValue() < cast<AffineConstantExpr>(b).getValue() ? -1 : 1;
  auto x = cast<AffineBinaryOpExpr>(a), y = cast<AffineBinaryOpExpr>(b);
  if (int c = compareAtoms(x.getLHS(), y.getLHS())) return c;
  return compareAtoms(x.getRHS(), y.getRHS());
}

void Linear::add(AffineExpr atom, int64_t coefficient) {
  if (coefficient == 0) return;
  auto *it = std::lower_bound(terms.begin(), terms.end(), atom,
                              [](const auto &term, AffineExpr a) { return compareAtoms(term.first, a) < 0; });
  if (it == terms.end() || it->first != atom) {
    terms.insert(it, {atom, coefficient});
    return;
  }
  it->second += coefficient;
  if (it->second == 0) terms.erase(it);
}

Linear &Linear::addScaled(const Linear &other, int64_t factor) {
  constant += factor * other.constant;
  for (auto [atom, c] : other.terms) add(atom, factor * c);
  return *this;
}

AffineExpr Linear::expr(MLIRContext *context) const {
  AffineExpr e = getAffineConstantExpr(0, context);
  for (auto [atom, c] : terms) e = e + atom * c;
  return e + constant;
}

//===-- ranges -----------------------------------------------------------------------------------===//

using Wide = __int128;
using WideRange = std::optional<std::pair<Wide, Wide>>;

static WideRange wideRange(const Linear &e, const Ranges &ranges);

static WideRange wideRange(AffineExpr atom, const Ranges &ranges) {
  if (auto d = dyn_cast<AffineDimExpr>(atom)) {
    if (d.getPosition() >= ranges.dims.size() || !ranges.dims[d.getPosition()]) return std::nullopt;
    return WideRange(*ranges.dims[d.getPosition()]);
  }
  auto b = cast<AffineBinaryOpExpr>(atom);
  int64_t k = cast<AffineConstantExpr>(b.getRHS()).getValue();
  WideRange inner = wideRange(toLinear(b.getLHS(), ranges), ranges);
  if (b.getKind() == AffineExprKind::Mod) {
    if (inner && inner->first >= 0 && inner->second < k) return inner;
    return WideRange({0, k - 1});
  }
  auto divide = [&](Wide x) { return x >= 0 ? x / k : -((-x + k - 1) / k); };
  if (!inner) return std::nullopt;
  return WideRange({divide(inner->first), divide(inner->second)});
}

static WideRange wideRange(const Linear &e, const Ranges &ranges) {
  std::pair<Wide, Wide> sum{e.constant, e.constant};
  auto addRange = [&](Wide lo, Wide hi, Wide c) {
    sum.first += c * (c > 0 ? lo : hi);
    sum.second += c * (c > 0 ? hi : lo);
  };
  Linear rest = e;
  if (ranges.causal && ranges.dims.size() > 2 && ranges.dims[1]) {
    int64_t ci = 0, cj = 0;
    AffineExpr i, j;
    for (auto [atom, c] : e.terms) {
      auto d = dyn_cast<AffineDimExpr>(atom);
      if (d && d.getPosition() == 1) ci = c, i = atom;
      if (d && d.getPosition() == 2) cj = c, j = atom;
    }
    if (ci && ci == -cj) { // a multiple of i - j, which lies in [0, n - 1]
      addRange(0, ranges.dims[1]->second, ci);
      rest.add(i, -ci), rest.add(j, -cj);
    }
  }
  for (auto [atom, c] : rest.terms) {
    WideRange r = wideRange(atom, ranges);
    if (!r) return std::nullopt;
    addRange(r->first, r->second, c);
  }
  return WideRange(sum);
}

std::optional<std::pair<int64_t, int64_t>> rangeOf(const Linear &e, const Ranges &ranges) {
  WideRange r = wideRange(e, ranges);
  constexpr Wide limit = Wide(1) << 62;
  if (!r || r->first < -limit || r->second > limit) return std::nullopt;
  return std::make_pair(int64_t(r->first), int64_t(r->second));
}

//===-- normal form ------------------------------------------------------------------------------===//

/// (e floordiv k) or (e mod k) with e in normal form.
static Linear divide(const Linear &e, int64_t k, bool mod, const Ranges &ranges, MLIRContext *context) {
  // e = k * whole + part, where part's coefficients are not multiples of k and its constant lies in [0, k).
  Linear whole, part;
  whole.constant = floorDiv(e.constant, k);
  part.constant = floorMod(e.constant, k);
  for (auto [atom, c] : e.terms) {
    if (c % k == 0)
      whole.add(atom, c / k);
    else
      part.add(atom, c);
  }
  if (auto r = rangeOf(part, ranges); r && floorDiv(r->first, k) == floorDiv(r->second, k)) {
    int64_t q = floorDiv(r->first, k);
    if (!mod) {
      whole.constant += q;
      return whole;
    }
    part.constant -= q * k;
    return part;
  }
  Linear result;
  AffineExpr p = part.expr(context);
  AffineExpr atom = mod ? p % k : p.floorDiv(k);
  auto isAtom = [&](AffineExpr x) {
    return x.getKind() == (mod ? AffineExprKind::Mod : AffineExprKind::FloorDiv);
  };
  if (isAtom(atom))
    result.add(atom, 1);
  else
    result += toLinear(atom, ranges); // AffineExpr's own rules found something simpler
  if (!mod) result += whole;
  return result;
}

Linear toLinear(AffineExpr e, const Ranges &ranges) {
  Linear result;
  if (auto c = dyn_cast<AffineConstantExpr>(e)) {
    result.constant = c.getValue();
    return result;
  }
  if (isa<AffineDimExpr>(e)) {
    result.add(e, 1);
    return result;
  }
  auto b = cast<AffineBinaryOpExpr>(e);
  switch (e.getKind()) {
  case AffineExprKind::Add:
    result = toLinear(b.getLHS(), ranges);
    return result += toLinear(b.getRHS(), ranges);
  case AffineExprKind::Mul: {
    auto factor = dyn_cast<AffineConstantExpr>(b.getRHS());
    AffineExpr other = factor ? b.getLHS() : b.getRHS();
    if (!factor) factor = cast<AffineConstantExpr>(b.getLHS());
    return result.addScaled(toLinear(other, ranges), factor.getValue());
  }
  default: break;
  }
  int64_t k = cast<AffineConstantExpr>(b.getRHS()).getValue();
  Linear inner = toLinear(b.getLHS(), ranges);
  if (e.getKind() == AffineExprKind::CeilDiv) inner.constant += k - 1;
  return divide(inner, k, e.getKind() == AffineExprKind::Mod, ranges, e.getContext());
}

AffineExpr simplify(AffineExpr e, const Ranges &ranges) { return toLinear(e, ranges).expr(e.getContext()); }

Linear expandMods(const Linear &e, const Ranges &ranges) {
  Linear result;
  result.constant = e.constant;
  for (auto [atom, c] : e.terms) {
    if (atom.getKind() != AffineExprKind::Mod) {
      result.add(atom, c);
      continue;
    }
    auto b = cast<AffineBinaryOpExpr>(atom);
    int64_t k = cast<AffineConstantExpr>(b.getRHS()).getValue();
    Linear inner = toLinear(b.getLHS(), ranges);
    result.addScaled(expandMods(inner, ranges), c);
    result.addScaled(divide(inner, k, /*mod=*/false, ranges, atom.getContext()), -c * k);
  }
  return result;
}

bool mentions(const Linear &e, unsigned dim) {
  return std::any_of(e.terms.begin(), e.terms.end(),
                     [&](const auto &t) { return t.first.isFunctionOfDim(dim); });
}

} // namespace drawloom
