#include "dialect/pattern/FlattenSlices.h"
#include "dialect/pattern/Linear.h"
#include <algorithm>

using namespace mlir;
using llvm::SmallVector;

namespace drawloom {
namespace {

/// The l of x -> l s + x, or nothing.
std::optional<int64_t> runLength(AffineMap position) {
  Linear e = toLinear(position.getResult(0));
  int64_t perSlice = 0, perRow = 0;
  for (auto [atom, factor] : e.terms) {
    auto dim = dyn_cast<AffineDimExpr>(atom);
    if (!dim || dim.getPosition() == 0) return std::nullopt;
    (dim.getPosition() == 1 ? perSlice : perRow) = factor;
  }
  if (e.constant != 0 || perRow != 1 || perSlice < 1) return std::nullopt;
  return perSlice;
}

/// Whether all slices of all heads together have each position once, as rows and as slots, and their bounds
/// need no cutting off.
bool slicesFill(const PieceView &view, int64_t l, int64_t n) {
  ViewEvaluator v(view);
  for (int64_t h : view.heads) {
    int64_t slices = v.slices(h);
    if (slices != (n + l - 1) / l) return false;
    for (int64_t s = 0; s < slices; ++s) {
      int64_t extent = std::min(l, n - l * s);
      if (v.rows(h, s) != extent || v.keys(h, s) != extent) return false;
      for (int64_t x = 0; x < extent; ++x)
        for (Interval bounds : {v.rawKeySlots(h, s, x), v.rawQueryRows(h, s, x)})
          if (bounds.lo < 0 || bounds.hi > extent) return false;
    }
  }
  return true;
}

} // namespace

std::optional<PieceView> inPositions(const PieceView &view, int64_t n) {
  if (!view.predicate.empty() || view.heads.empty()) return std::nullopt;
  MLIRContext *context = view.query.getContext();
  AffineExpr h = getAffineDimExpr(0, context), x = getAffineDimExpr(2, context);
  auto isOne = [](AffineMap map, int64_t value) {
    return map.isSingleConstant() && map.getSingleConstantResult() == value;
  };
  if (isOne(view.slices, 1) && isOne(view.rows, n) && simplify(view.query.getResult(0)) == x) return view;

  std::optional<int64_t> l = runLength(view.query);
  if (!l || runLength(view.key) != l || !slicesFill(view, *l, n)) return std::nullopt;
  Ranges ranges;
  ranges.dims = {std::make_pair(view.heads.front(), view.heads.back()),
                 std::make_pair(int64_t(0), int64_t(0)), std::make_pair(int64_t(0), n - 1)};
  AffineExpr slice = x.floorDiv(*l);
  auto bound = [&](AffineMap map) {
    SmallVector<AffineExpr> results;
    for (AffineExpr e : map.getResults())
      results.push_back(simplify(e.replaceDims({h, slice, x % *l}) + slice * *l, ranges));
    return AffineMap::get(3, 0, results, context);
  };
  PieceView flat;
  flat.heads = view.heads;
  flat.slices = AffineMap::get(1, 0, getAffineConstantExpr(1, context));
  flat.rows = flat.keys = AffineMap::get(2, 0, getAffineConstantExpr(n, context));
  flat.query = flat.key = AffineMap::get(3, 0, x);
  flat.keyLo = bound(view.keyLo), flat.keyHi = bound(view.keyHi);
  flat.rowLo = bound(view.rowLo), flat.rowHi = bound(view.rowHi);
  return flat;
}

} // namespace drawloom
