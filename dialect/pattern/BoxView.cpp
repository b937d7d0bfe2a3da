#include "dialect/pattern/BoxView.h"
#include "dialect/pattern/Linear.h"
#include "dialect/pattern/Syntax.h"
#include <algorithm>

using namespace mlir;
using llvm::ArrayRef;
using llvm::SmallVector;

namespace drawloom {
namespace {

/// One side of a view: positions of rows or of slots.
struct Side {
  Side(const PieceView &view, bool isKeys, bool attendedOnly)
      : position(isKeys ? view.key : view.query), at(view), isKeys(isKeys), attendedOnly(attendedOnly) {
    auto uses = [](AffineMap map) { return map.isFunctionOfDim(0); };
    bool headMatters = uses(view.slices) || uses(view.rows) || uses(view.keys) || uses(position);
    if (attendedOnly) headMatters |= uses(view.rowLo) || uses(view.rowHi);
    heads = ArrayRef(view.heads).take_front(headMatters ? view.heads.size() : 1);
  }

  AffineMap position; ///< (h, s, x)
  ViewEvaluator at;
  bool isKeys, attendedOnly;
  ArrayRef<int64_t> heads; ///< one for all that are alike

  int64_t extent(int64_t h, int64_t s) const { return isKeys ? at.keys(h, s) : at.rows(h, s); }
  int64_t positionAt(int64_t h, int64_t s, int64_t x) const {
    return isKeys ? at.key(h, s, x) : at.query(h, s, x);
  }
  bool isWanted(int64_t h, int64_t s, int64_t x) const {
    return !attendedOnly || !at.queryRows(h, s, x).empty();
  }

  /// For each slice of the heads.
  template <typename Body> bool all(Body body) const {
    for (int64_t h : heads)
      for (int64_t s = 0, slices = at.slices(h); s < slices; ++s)
        if (!body(h, s)) return false;
    return true;
  }
};

/// position = base + Σ stride_k * digit_k, where the digits are x, or x mod radix and x div radix.
struct Digits {
  SmallVector<int64_t, 2> strides;
  int64_t radix = 0; ///< 0: one digit
  Linear base;
};

std::optional<Digits> digitsOf(AffineMap position) {
  Digits d;
  Linear p = toLinear(position.getResult(0));
  d.base.constant = p.constant;
  int64_t whole = 0, quotient = 0, remainder = 0;
  for (auto [atom, c] : p.terms) {
    if (!atom.isFunctionOfDim(2)) {
      d.base.add(atom, c);
      continue;
    }
    if (isa<AffineDimExpr>(atom)) {
      whole = c;
      continue;
    }
    auto binary = cast<AffineBinaryOpExpr>(atom);
    auto radix = dyn_cast<AffineConstantExpr>(binary.getRHS());
    if (!isa<AffineDimExpr>(binary.getLHS()) || !radix || (d.radix && d.radix != radix.getValue()))
      return std::nullopt;
    d.radix = radix.getValue();
    (atom.getKind() == AffineExprKind::FloorDiv ? quotient : remainder) = c;
  }
  if (d.radix)
    d.strides = {whole + remainder, whole * d.radix + quotient};
  else
    d.strides = {whole};
  if (llvm::any_of(d.strides, [](int64_t stride) { return stride < 1; })) return std::nullopt;
  return d;
}

/// A box whose extents are still unknown. `strides` begin with the digits'; `rows` of a tile are moved. The
/// base is shared out among the strides: a term goes to the greatest stride that divides it.
std::optional<BoxView> shareOut(const Digits &d, ArrayRef<int64_t> strides, int64_t rows,
                                MLIRContext *context) {
  AffineExpr x = getAffineDimExpr(2, context), zero = getAffineConstantExpr(0, context);
  SmallVector<int64_t, 2> boxes{rows};
  SmallVector<AffineExpr, 2> starts{x};
  if (d.radix && rows % d.radix == 0)
    boxes = {d.radix, rows / d.radix}, starts = {zero, x.floorDiv(d.radix)};
  else if (d.radix && d.radix % rows == 0)
    boxes = {rows, 1}, starts = {x % d.radix, x.floorDiv(d.radix)};
  else if (d.radix)
    return std::nullopt;
  boxes.resize(strides.size(), 1), starts.resize(strides.size(), zero);
  if (llvm::any_of(boxes, [](int64_t box) { return box > kMaxBoxExtent; })) return std::nullopt;

  SmallVector<size_t, 2> greatestFirst;
  for (size_t k = 0; k < strides.size(); ++k) greatestFirst.push_back(k);
  llvm::sort(greatestFirst, [&](size_t a, size_t b) { return strides[a] > strides[b]; });
  for (auto [atom, c] : d.base.terms) {
    auto *k = llvm::find_if(greatestFirst, [&, c = c](size_t k) { return c % strides[k] == 0; });
    if (k == greatestFirst.end()) return std::nullopt;
    starts[*k] = starts[*k] + atom * (c / strides[*k]);
  }
  int64_t rest = d.base.constant;
  for (size_t k : greatestFirst)
    starts[k] = starts[k] + floorDiv(rest, strides[k]), rest = floorMod(rest, strides[k]);
  if (rest != 0) return std::nullopt;

  BoxView box;
  for (size_t k = 0; k < strides.size(); ++k) box.dims.push_back({0, strides[k], boxes[k]});
  for (AffineExpr &e : starts) e = simplify(e);
  box.start = AffineMap::get(3, 0, starts, context);
  return box;
}

/// Coordinates of a box's rows.
class Coordinates {
public:
  explicit Coordinates(const BoxView &box) : dims(box.dims), start(box.start) {}

  /// Of the first row of the tile at x.
  void moveTo(int64_t h, int64_t s, int64_t x) {
    int64_t at[] = {h, s, x};
    for (size_t k = 0; k < dims.size(); ++k) first[k] = start.result(k, at);
  }
  int64_t coordinate(size_t k, int64_t row) const {
    return first[k] + (k == 0 ? row % dims[0].box : row / dims[0].box);
  }

  bool isInside(int64_t row) const {
    for (size_t k = 0; k < dims.size(); ++k)
      if (int64_t c = coordinate(k, row); c < 0 || c >= dims[k].extent) return false;
    return true;
  }
  int64_t position(int64_t row) const {
    int64_t sum = 0;
    for (size_t k = 0; k < dims.size(); ++k) sum += coordinate(k, row) * dims[k].stride;
    return sum;
  }

private:
  ArrayRef<BoxDim> dims;
  CompiledMap start;
  int64_t first[2] = {};
};

/// Makes the extents as small as the rows allow.
void findExtents(BoxView &box, const Side &side, int64_t tile) {
  Coordinates at(box);
  for (BoxDim &d : box.dims) d.extent = 1;
  side.all([&](int64_t h, int64_t s) {
    for (int64_t x = 0, extent = side.extent(h, s); x < extent; x += tile) {
      at.moveTo(h, s, x);
      for (int64_t r = 0; r < std::min(box.rows(), extent - x); ++r)
        for (size_t k = 0; k < box.dims.size() && side.isWanted(h, s, x + r); ++k)
          box.dims[k].extent = std::max(box.dims[k].extent, at.coordinate(k, r) + 1);
    }
    return true;
  });
}

/// Whether a tile's rows are where the box says, and nothing else lies inside.
bool isExact(const BoxView &box, const Side &side, int64_t tile) {
  Coordinates at(box);
  int64_t rows = box.rows();
  return side.all([&](int64_t h, int64_t s) {
    int64_t extent = side.extent(h, s);
    for (int64_t x = 0; x < extent; x += tile) {
      at.moveTo(h, s, x);
      for (int64_t r = 0; r < rows; ++r) {
        bool exists = x + r < extent;
        bool right = at.isInside(r) ? exists && at.position(r) == side.positionAt(h, s, x + r)
                                    : !exists || !side.isWanted(h, s, x + r);
        if (!right) return false;
      }
      for (int64_t r = rows; r < tile && x + r < extent; ++r)
        if (side.isWanted(h, s, x + r)) return false;
    }
    return true;
  });
}

/// The stride lists to try: the digits', with 1 and with each coefficient of the base.
SmallVector<SmallVector<int64_t, 2>> strideLists(const Digits &d) {
  SmallVector<SmallVector<int64_t, 2>> lists{d.strides};
  if (d.strides.size() > 1) return lists;
  auto add = [&](int64_t stride) {
    SmallVector<int64_t, 2> list{d.strides[0], stride};
    if (stride >= 1 && stride != d.strides[0] && !llvm::is_contained(lists, list)) lists.push_back(list);
  };
  for (auto [atom, c] : d.base.terms) add(std::abs(c));
  add(1);
  return lists;
}

std::optional<BoxView> boxOf(const Side &side, int64_t tile) {
  std::optional<Digits> digits = digitsOf(side.position);
  if (!digits) return std::nullopt;
  int64_t most = 0;
  side.all([&](int64_t h, int64_t s) {
    most = std::max(most, side.extent(h, s));
    return true;
  });
  if (most == 0) return std::nullopt;
  // A box as large as the tile fills the tile with zeros where rows end; one of fewer rows may fit where that
  // does not.
  SmallVector<int64_t, 2> heights{tile};
  if (most < tile) heights.push_back(most);
  for (int64_t rows : heights)
    for (ArrayRef<int64_t> strides : strideLists(*digits)) {
      std::optional<BoxView> box = shareOut(*digits, strides, rows, side.position.getContext());
      if (!box) continue;
      findExtents(*box, side, tile);
      if (isExact(*box, side, tile)) return box;
    }
  return std::nullopt;
}

} // namespace

std::optional<BoxView> boxOfQueries(const PieceView &view, int64_t tile) {
  return boxOf(Side(view, /*isKeys=*/false, /*attendedOnly=*/false), tile);
}

std::optional<BoxView> boxOfKeys(const PieceView &view, int64_t tile, bool attendedOnly) {
  return boxOf(Side(view, /*isKeys=*/true, attendedOnly), tile);
}

} // namespace drawloom
