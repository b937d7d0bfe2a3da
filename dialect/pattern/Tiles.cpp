#include "dialect/pattern/Tiles.h"
#include "dialect/pattern/Linear.h"
#include "dialect/pattern/Syntax.h"
#include <algorithm>

using namespace mlir;

namespace drawloom {

//===-- runs of tiles ----------------------------------------------------------------------------===//

/// From the slots that any (outer) and that every (inner) row of a tile attends to. Only whole tiles of
/// `size` slots can be full.
static TileRange rangeOfTiles(Interval outer, Interval inner, int64_t size) {
  TileRange x;
  if (outer.empty()) return x;
  x.nonemptyLo = floorDiv(outer.lo, size), x.nonemptyHi = ceilDiv(outer.hi, size);
  x.fullLo = ceilDiv(inner.lo, size), x.fullHi = floorDiv(inner.hi, size);
  if (inner.empty() || x.fullLo >= x.fullHi) x.fullLo = x.fullHi = x.nonemptyHi;
  return x;
}

TileRange keyTiles(const ViewEvaluator &view, int64_t h, int64_t s, int64_t tile, int64_t Tq, int64_t Tk) {
  int64_t first = tile * Tq, last = std::min(first + Tq, view.rows(h, s)) - 1;
  if (first > last) return {};
  Interval a = view.keySlots(h, s, first), b = view.keySlots(h, s, last);
  return rangeOfTiles({a.lo, b.hi}, view.hasPredicate() ? Interval{} : Interval{b.lo, a.hi}, Tk);
}

TileRange queryTiles(const ViewEvaluator &view, int64_t h, int64_t s, int64_t tile, int64_t Tq, int64_t Tk) {
  int64_t first = tile * Tk, last = std::min(first + Tk, view.keys(h, s)) - 1;
  if (first > last) return {};
  Interval a = view.queryRows(h, s, first), b = view.queryRows(h, s, last);
  return rangeOfTiles({a.lo, b.hi}, view.hasPredicate() ? Interval{} : Interval{b.lo, a.hi}, Tq);
}

/// Bounds of the tiles of `size` slots met by the tile of `tileRows` rows, where [lo, hi) is a row's interval
/// of slots, `rows` and `slots` are the extents. The transposed question has the roles exchanged.
static TileBounds tileBounds(AffineMap lo, AffineMap hi, AffineMap rows, AffineMap slots, bool predicated,
                             int64_t tileRows, int64_t size) {
  MLIRContext *context = lo.getContext();
  AffineExpr tile = getAffineDimExpr(2, context), row = tile;
  AffineExpr rowCount = rows.getResult(0), slotCount = slots.getResult(0);
  auto at = [&](AffineExpr e, AffineExpr r) { return e.replace(row, r); };
  auto map = [&](llvm::ArrayRef<AffineExpr> exprs) {
    llvm::SmallVector<AffineExpr> kept;
    for (AffineExpr e : exprs)
      if (AffineExpr s = simplify(e); !llvm::is_contained(kept, s)) kept.push_back(s);
    return AffineMap::get(3, 0, kept, context);
  };
  AffineExpr first = tile * tileRows, last = tile * tileRows + (tileRows - 1),
             zero = getAffineConstantExpr(0, context);
  llvm::SmallVector<AffineExpr> nonemptyLo{zero}, fullLo{zero}, fullHi{slotCount.floorDiv(size)},
      nonemptyHi{(slotCount + (size - 1)).floorDiv(size)};
  for (AffineExpr e : lo.getResults()) {
    nonemptyLo.push_back(at(e, first).floorDiv(size));
    fullLo.push_back((at(e, last) + (size - 1)).floorDiv(size));
  }
  for (AffineExpr e : hi.getResults()) {
    // The last row is that of the tile or of the slice, whichever comes first; bounds do not decrease, so
    // take both.
    for (AffineExpr r : {last, rowCount - 1}) nonemptyHi.push_back((at(e, r) + (size - 1)).floorDiv(size));
    fullHi.push_back(at(e, first).floorDiv(size));
  }
  if (predicated) fullHi = {zero};
  return {map(nonemptyLo), map(fullLo), map(fullHi), map(nonemptyHi)};
}

TileBounds keyTileBounds(const PieceView &v, int64_t Tq, int64_t Tk) {
  return tileBounds(v.keyLo, v.keyHi, v.rows, v.keys, !v.predicate.empty(), Tq, Tk);
}

TileBounds queryTileBounds(const PieceView &v, int64_t Tq, int64_t Tk) {
  return tileBounds(v.rowLo, v.rowHi, v.keys, v.rows, !v.predicate.empty(), Tk, Tq);
}

//===-- one tile ---------------------------------------------------------------------------------===//

constexpr int64_t kMaxPairs = 65536; ///< what going through a whole tile may cost

namespace {
enum class Truth { Never, Sometimes, Always };
}

/// Whether the sets hold for every, no or some (h, i, j) of the box, by interval arithmetic.
static Truth truthOver(llvm::ArrayRef<IntegerSet> sets, const Ranges &box) {
  bool possible = false;
  for (IntegerSet set : sets) {
    bool always = true, never = false;
    for (unsigned k = 0; k < set.getNumConstraints() && !never; ++k) {
      auto r = rangeOf(toLinear(set.getConstraint(k), box), box);
      bool equality = set.isEq(k);
      never = r && (r->second < 0 || (equality && r->first > 0));
      always &= r && (equality ? r->first == 0 && r->second == 0 : r->first >= 0);
    }
    if (never) continue;
    if (always) return Truth::Always;
    possible = true;
  }
  return possible ? Truth::Sometimes : Truth::Never;
}

TileClassifier::TileClassifier(const PieceView &v) : view(v), predicate(v.predicate) {}

TileKind TileClassifier::classify(int64_t h, int64_t s, int64_t qTile, int64_t kTile, int64_t Tq,
                                  int64_t Tk) const {
  int64_t r0 = qTile * Tq, r1 = std::min(r0 + Tq, view.rows(h, s)), t0 = kTile * Tk,
          t1 = std::min(t0 + Tk, view.keys(h, s));
  if (r0 >= r1 || t0 >= t1) return TileKind::Empty;
  Interval first = view.keySlots(h, s, r0), last = view.keySlots(h, s, r1 - 1);
  if (last.hi <= t0 || first.lo >= t1) return TileKind::Empty;
  bool whole = t1 - t0 == Tk, withinBounds = last.lo <= t0 && t1 <= first.hi;
  if (!view.hasPredicate() && withinBounds) return whole ? TileKind::Full : TileKind::Edge;
  if (view.hasPredicate()) {
    Ranges box;
    box.dims = {std::make_pair(h, h), std::make_pair(view.query(h, s, r0), view.query(h, s, r1 - 1)),
                std::make_pair(view.key(h, s, t0), view.key(h, s, t1 - 1))};
    Truth truth = truthOver(predicate, box);
    if (truth == Truth::Never) return TileKind::Empty;
    if (truth == Truth::Always && withinBounds) return whole ? TileKind::Full : TileKind::Edge;
  }
  if ((r1 - r0) * (t1 - t0) > kMaxPairs) return TileKind::Edge;
  bool any = false, all = true;
  for (int64_t r = r0; r < r1 && (all || !any); ++r) {
    Interval x = view.keySlots(h, s, r);
    all &= x.lo <= t0 && t1 <= x.hi;
    int64_t i = view.query(h, s, r);
    for (int64_t t = std::max(t0, x.lo); t < std::min(t1, x.hi) && (all || !any); ++t) {
      bool in = view.predicate(h, i, view.key(h, s, t));
      any |= in, all &= in;
    }
  }
  if (!any) return TileKind::Empty;
  return all && whole ? TileKind::Full : TileKind::Edge;
}

TileKind classify(const PieceView &view, int64_t, int64_t h, int64_t qTile, int64_t kTile, int64_t Tq,
                  int64_t Tk) {
  return TileClassifier(view).classify(h, 0, qTile, kTile, Tq, Tk);
}

} // namespace drawloom
