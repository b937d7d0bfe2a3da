// A view: coordinates in which one piece of a pattern is dense, that is, in which every query row attends to
// one interval of key slots. This struct is what the algebra gives to the compiler; #drawloom.view is its
// attribute.
#pragma once
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/IntegerSet.h"
#include <vector>

namespace drawloom {

/// One disjoint piece of a pattern, n folded in. All maps have no symbols. Dimensions: head h, slice s, row
/// r, slot t. A piece is the set of (h, i, j) with h in heads, s in [0, slices(h)), r in [0, rows(h, s)), i =
/// query(h, s, r), t in [max keyLo(h, s, r), min keyHi(h, s, r)), j = key(h, s, t), and, if `predicate` is
/// not empty, one of its sets true. (s, r) -> i is injective for each h; t -> j is injective for each
/// (h, s), and increasing unless slices were packed (PackSlices.h); every (i, j) occurs once.
struct PieceView {
  std::vector<int64_t> heads; ///< heads this piece applies to, ascending
  mlir::AffineMap slices;     ///< (h) -> number of independent slices
  mlir::AffineMap
      rows; ///< (h, s) -> number of query rows of a slice (>= 0; may differ by slice when n is ragged)
  mlir::AffineMap query; ///< (h, s, r) -> query position i
  mlir::AffineMap keys;  ///< (h, s) -> number of key slots of a slice
  mlir::AffineMap key;   ///< (h, s, t) -> key position j
  mlir::AffineMap keyLo,
      keyHi; ///< (h, s, r) -> several results: interval is [max, min); clamp to [0, keys); empty if lo >= hi
  mlir::AffineMap rowLo, rowHi; ///< (h, s, t) -> the transposed question, [max, min); clamp to [0, rows)
  std::vector<mlir::IntegerSet>
      predicate; ///< over dims (h, i, j); empty: every pair within the bounds belongs
  /// Invariants (checked by `verifyView`): keyLo, keyHi non-decreasing in r; rowLo, rowHi non-decreasing in
  /// t; without a predicate, (r, t) satisfies the key bounds exactly when it satisfies the row bounds. With a
  /// predicate the bounds enclose the piece.
};

} // namespace drawloom
