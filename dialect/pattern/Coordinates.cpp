#include "dialect/pattern/Coordinates.h"
#include <algorithm>

using namespace mlir;

namespace drawloom {
namespace {

struct Dims {
  explicit Dims(MLIRContext *c)
      : h(getAffineDimExpr(0, c)), s(getAffineDimExpr(1, c)), x(getAffineDimExpr(2, c)), context(c) {}
  AffineExpr h, s, x; ///< x: r or t
  MLIRContext *context;
  AffineExpr constant(int64_t v) const { return getAffineConstantExpr(v, context); }
};

/// Sets the ranges from the extents and simplifies every expression by them.
void finish(Coordinates &c, const CellSpace &space) {
  auto extent = [](AffineExpr e, const Ranges &ranges) {
    auto r = rangeOf(toLinear(e, ranges), ranges);
    return std::make_pair(int64_t(0), r ? std::max<int64_t>(0, r->second - 1) : (int64_t(1) << 31));
  };
  Ranges ranges;
  ranges.dims.push_back(std::make_pair(space.headLo, space.headHi));
  c.slices = simplify(c.slices, ranges);
  ranges.dims.push_back(extent(c.slices, ranges));
  c.rows = simplify(c.rows, ranges), c.keys = simplify(c.keys, ranges);
  c.rowRanges = c.keyRanges = ranges;
  c.rowRanges.dims.push_back(extent(c.rows, ranges));
  c.keyRanges.dims.push_back(extent(c.keys, ranges));
  c.query = simplify(c.query, c.rowRanges), c.key = simplify(c.key, c.keyRanges);
}

/// 1 if k < bound else 0, for k in [0, count).
AffineExpr isBelow(AffineExpr k, int64_t bound, int64_t count) {
  if (bound <= 0) return getAffineConstantExpr(0, k.getContext());
  if (bound >= count) return getAffineConstantExpr(1, k.getContext());
  return (-k + (bound - 1 + count)).floorDiv(count);
}

/// How many of the band's w positions of a block are missing if only the block's first `present` positions
/// exist, as a sum of constants times indicators: pairs (weight, indicator).
llvm::SmallVector<std::pair<int64_t, AffineExpr>, 2> missingPositions(const KeyBand &band, int64_t present,
                                                                      const Dims &d) {
  if (present >= band.l) return {};
  if (band.constant)
    return {{band.w - std::clamp<int64_t>(present - *band.constant, 0, band.w), d.constant(1)}};
  // offset = l - w (k + 1): with l - present = w a - b, 0 <= b < w, the band of k + 1 < a is gone, that of k
  // + 1 = a keeps b.
  int64_t a = ceilDiv(band.l - present, band.w), b = a * band.w - (band.l - present), count = band.l / band.w;
  AffineExpr k = d.h % count;
  return {{b, isBelow(k, a - 1, count)}, {band.w - b, isBelow(k, a, count)}};
}

AffineExpr ceilDivide(AffineExpr e, int64_t k) { return (e + (k - 1)).floorDiv(k); }

} // namespace

llvm::SmallVector<AffineExpr, 2> Coordinates::slotsBelow(AffineExpr x, Extreme extreme) const {
  switch (kind) {
  case Contiguous:
  case Blocks: return {simplify(x - keySlice, rowRanges)};
  case Residues: return {simplify(ceilDivide(x - keySlice, stride), rowRanges)};
  case Packed: break;
  }
  int64_t l = band->l, w = band->w;
  if (w == 1) return {simplify(ceilDivide(x - band->offset, l), rowRanges)};
  // w (x floordiv l) + clamp(x mod l - offset, 0, w).
  Linear part = toLinear(x % l, rowRanges);
  if (part.isConstant() && (part.constant == 0 || band->constant)) {
    int64_t inBlock = part.constant == 0 ? 0 : std::clamp<int64_t>(part.constant - *band->constant, 0, w);
    return {simplify(x.floorDiv(l) * w + inBlock, rowRanges)};
  }
  // From one band to the next, y = x - offset: w (y floordiv l) + min(w, y mod l). From a band's end to that
  // of the next, y = x - offset - w: w (y floordiv l + 1) + max(0, y mod l + w - l).
  bool isLeast = extreme == Extreme::Least;
  AffineExpr y = isLeast ? x - band->offset : x - band->offset - w;
  AffineExpr flat = (y.floorDiv(l) + 1) * w;
  return {simplify(flat, rowRanges), simplify(flat + y % l - (isLeast ? w : l - w), rowRanges)};
}

AffineExpr Coordinates::rowsBelow(AffineExpr x) const {
  AffineExpr e = x - querySlice;
  return simplify(kind == Residues ? ceilDivide(e, stride) : e, keyRanges);
}

Coordinates contiguousCoordinates(const CellSpace &space, int64_t firstQuery, int64_t lastQuery,
                                  int64_t firstKey, int64_t lastKey) {
  Dims d(space.context);
  Coordinates c;
  c.kind = Coordinates::Contiguous;
  c.slices = d.constant(1);
  c.rows = d.constant(std::max<int64_t>(0, lastQuery - firstQuery + 1));
  c.keys = d.constant(std::max<int64_t>(0, lastKey - firstKey + 1));
  c.querySlice = d.constant(firstQuery), c.keySlice = d.constant(firstKey);
  c.query = d.x + firstQuery, c.key = d.x + firstKey;
  finish(c, space);
  return c;
}

Coordinates residueCoordinates(const CellSpace &space, int64_t m, int64_t e,
                               const std::optional<KeyBand> &band) {
  Dims d(space.context);
  Coordinates c;
  c.kind = Coordinates::Residues;
  c.stride = m;
  c.slices = d.constant(band ? band->w : std::min(m, space.n));
  c.querySlice = band ? band->offset + d.s : d.s;
  c.keySlice = band ? band->offset + d.s : (d.s - e) % m;
  if (e == 0) c.keySlice = c.querySlice;
  c.rows = ceilDivide(-c.querySlice + space.n, m), c.keys = ceilDivide(-c.keySlice + space.n, m);
  c.query = d.x * m + c.querySlice, c.key = d.x * m + c.keySlice;
  finish(c, space);
  return c;
}

Coordinates blockCoordinates(const CellSpace &space, int64_t l, int64_t shift,
                             const std::optional<KeyBand> &band) {
  Dims d(space.context);
  Coordinates c;
  c.kind = Coordinates::Blocks;
  c.stride = l;
  KeyBand whole = band ? *band : KeyBand{l, l, d.constant(0), 0};
  int64_t slices = std::max<int64_t>(1, ceilDiv(space.n - shift, l)), last = slices - 1;
  c.slices = d.constant(slices);
  AffineExpr isLast =
      slices == 1 ? d.constant(1) : (d.s + 1).floorDiv(slices); // 1 in the last slice, 0 before
  int64_t lastRows = std::clamp<int64_t>(space.n - shift - l * last, 0, l);
  c.rows = isLast * (lastRows - l) + l;
  // Blocks before the last one are complete, because the last slice's queries lie beyond them.
  c.keys = d.constant(whole.w);
  for (auto [weight, indicator] : missingPositions(whole, space.n - l * last, d)) {
    AffineExpr both = slices == 1                          ? indicator
                      : isa<AffineConstantExpr>(indicator) ? isLast * indicator
                                                           : (isLast + indicator).floorDiv(2);
    c.keys = c.keys - both * weight;
  }
  c.querySlice = d.s * l + shift, c.keySlice = d.s * l + whole.offset;
  c.query = d.x + c.querySlice, c.key = d.x + c.keySlice;
  finish(c, space);
  return c;
}

Coordinates packedCoordinates(const CellSpace &space, const KeyBand &band) {
  Dims d(space.context);
  Coordinates c;
  c.kind = Coordinates::Packed;
  c.band = band;
  c.slices = d.constant(1), c.rows = d.constant(space.n);
  int64_t whole = space.n / band.l, rest = space.n % band.l;
  c.keys = d.constant(band.w * (whole + (rest > 0)));
  if (rest > 0)
    for (auto [weight, indicator] : missingPositions(band, rest, d)) c.keys = c.keys - indicator * weight;
  c.querySlice = d.constant(0), c.keySlice = band.offset;
  c.query = d.x;
  c.key = d.x.floorDiv(band.w) * band.l + band.offset + d.x % band.w;
  finish(c, space);
  return c;
}

} // namespace drawloom
