#include "dialect/pattern/PackSlices.h"
#include "dialect/pattern/Linear.h"
#include <algorithm>

using namespace mlir;
using llvm::ArrayRef;
using llvm::SmallVector;

namespace drawloom {
namespace {

/// What all slices of all heads have.
struct EqualSlices {
  int64_t slices, rows, keys;
};

/// Nothing if they differ, or if a bound would need cutting off.
std::optional<EqualSlices> equalSlices(const PieceView &view) {
  ViewEvaluator v(view);
  if (v.hasPredicate() || !view.slices.isSingleConstant()) return std::nullopt;
  int64_t first = view.heads.front();
  EqualSlices all{v.slices(first), v.rows(first, 0), v.keys(first, 0)};
  if (all.rows == 0 || all.keys == 0) return std::nullopt;
  for (int64_t h : view.heads)
    for (int64_t s = 0; s < all.slices; ++s) {
      if (v.rows(h, s) != all.rows || v.keys(h, s) != all.keys) return std::nullopt;
      for (int64_t r = 0; r < all.rows; ++r)
        if (Interval x = v.rawKeySlots(h, s, r); x.lo > all.keys || x.hi < 0) return std::nullopt;
      for (int64_t t = 0; t < all.keys; ++t)
        if (Interval x = v.rawQueryRows(h, s, t); x.lo > all.rows || x.hi < 0) return std::nullopt;
    }
  return all;
}

/// Rewrites the maps of one side (rows or slots, of which a slice has `extent`).
class Packer {
public:
  Packer(const PieceView &view, int64_t slices, int64_t count, int64_t extent)
      : context(view.query.getContext()), slices(slices), count(count), extent(extent) {
    int64_t packs = (slices + count - 1) / count;
    ranges.dims = {std::make_pair(view.heads.front(), view.heads.back()),
                   std::make_pair(int64_t(0), packs - 1), std::make_pair(int64_t(0), extent * count - 1)};
  }

  /// Of a slice; the last one may hold fewer.
  AffineMap extents() const {
    int64_t packs = (slices + count - 1) / count, missing = packs * count - slices;
    AffineExpr isLast = (getAffineDimExpr(1, context) + 1).floorDiv(packs);
    return AffineMap::get(2, 0, simplify(isLast * (-missing * extent) + count * extent, ranges));
  }

  AffineMap position(AffineMap map) const {
    return AffineMap::get(3, 0, simplify(inOldSlice(map.getResult(0)), ranges));
  }

  /// A bound of the other side, of which a slice has `other`; `limit` is what the old bound is cut off at, 0
  /// or `other`.
  AffineMap bound(AffineMap map, int64_t other, int64_t limit) const {
    AffineExpr before = getAffineDimExpr(2, context).floorDiv(extent) * other;
    SmallVector<AffineExpr> results{simplify(before + limit, ranges)};
    for (AffineExpr e : map.getResults())
      if (AffineExpr moved = simplify(inOldSlice(e) + before, ranges); !llvm::is_contained(results, moved))
        results.push_back(moved);
    return AffineMap::get(3, 0, results, context);
  }

private:
  AffineExpr inOldSlice(AffineExpr e) const {
    AffineExpr s = getAffineDimExpr(1, context), x = getAffineDimExpr(2, context);
    return e.replaceDims({getAffineDimExpr(0, context), s * count + x.floorDiv(extent), x % extent});
  }

  MLIRContext *context;
  int64_t slices, count, extent;
  Ranges ranges;
};

} // namespace

std::optional<PieceView> packSlices(const PieceView &view, int64_t count) {
  std::optional<EqualSlices> all = equalSlices(view);
  if (!all || count < 1) return std::nullopt;
  count = std::min(count, all->slices);
  Packer rows(view, all->slices, count, all->rows), keys(view, all->slices, count, all->keys);
  PieceView packed;
  packed.heads = view.heads;
  int64_t packs = (all->slices + count - 1) / count;
  packed.slices = AffineMap::get(1, 0, getAffineConstantExpr(packs, view.query.getContext()));
  packed.rows = rows.extents(), packed.keys = keys.extents();
  packed.query = rows.position(view.query), packed.key = keys.position(view.key);
  packed.keyLo = rows.bound(view.keyLo, all->keys, 0),
  packed.keyHi = rows.bound(view.keyHi, all->keys, all->keys);
  packed.rowLo = keys.bound(view.rowLo, all->rows, 0),
  packed.rowHi = keys.bound(view.rowHi, all->rows, all->rows);
  return packed;
}

PieceView packToFill(const PieceView &view, int64_t tile) {
  ViewEvaluator v(view);
  int64_t h = view.heads.front();
  if (v.slices(h) < 2) return view;
  int64_t longest = std::max<int64_t>({1, v.rows(h, 0), v.keys(h, 0)});
  if (tile / longest < 2) return view;
  return packSlices(view, tile / longest).value_or(view);
}

} // namespace drawloom
