// Boxes: tiles of a view that one strided copy moves.
//
// A copy engine (TMA) moves boxes of an array of up to five dimensions. A [batch, n, heads, channels]
// activation needs three of them for the batch, the head and the channels, so two are left for positions.
// They suffice for what views look like: with a position p = stride0 * c0 + stride1 * c1,
//
//     contiguous rows      c0 = first + x                                   strides (1)
//     blocks of l          c0 = x, c1 = s                                   strides (1, l)
//     a residue of l       c0 = x, c1 = s                                   strides (l, 1)
//     packed bands         c0 = offset(h) + x mod w, c1 = x div w           strides (1, l)
//     residues, packed     c0 = x mod R, c1 = p s + x div R                 strides (l, 1)
//
// Elements outside the array's extents are read as zeros and not written; that is how rows that a slice does
// not have are left out. A box is given only if this is exact: every row is at its place, and every element
// that is no row lies outside. It is checked row by row for all slices.
#pragma once
#include "dialect/pattern/View.h"
#include <optional>

namespace drawloom {

/// One dimension of the positions.
struct BoxDim {
  int64_t extent; ///< coordinates run over [0, extent)
  int64_t stride; ///< positions between neighbours
  int64_t box;    ///< how many of them a box holds
};

/// Rows [x, x + tile) of a slice, x a multiple of tile, as a box. Row x + r has the coordinates start(h, s,
/// x) + (r mod box0, r div box0).
struct BoxView {
  llvm::SmallVector<BoxDim, 2> dims; ///< innermost first: neighbouring rows differ in the first
  mlir::AffineMap start;             ///< (h, s, x) -> a coordinate for each dimension

  /// Rows that a box holds; the tile's rows from there on exist in no slice.
  int64_t rows() const {
    int64_t product = 1;
    for (const BoxDim &d : dims) product *= d.box;
    return product;
  }
};

/// The most elements that a box has along one dimension.
inline constexpr int64_t kMaxBoxExtent = 256;

/// Boxes of query rows.
std::optional<BoxView> boxOfQueries(const PieceView &view, int64_t tile);

/// Boxes of key slots. With `attendedOnly`, slots that no row attends to may lie outside (and are then
/// neither read nor written): packed bands of a ragged last block need it.
std::optional<BoxView> boxOfKeys(const PieceView &view, int64_t tile, bool attendedOnly);

} // namespace drawloom
