// Coordinates of a view: how (h, s, r) and (h, s, t) name queries and keys, and the inverse, which turns
// bounds of positions into bounds of slots and rows.
#pragma once
#include "dialect/pattern/Conditions.h"

namespace drawloom {

/// The keys j with offset <= j mod l < offset + w. The offset is a constant or, for summaries, varies by
/// head: then offset = l - w (k + 1) with k = h mod (l / w).
struct KeyBand {
  int64_t l, w;
  mlir::AffineExpr offset;
  std::optional<int64_t> constant; ///< of offset
};

/// How several expressions are one number.
enum class Extreme { Least, Greatest };

/// Expressions over dimensions h = 0, s = 1 and r or t = 2.
struct Coordinates {
  enum Kind { Contiguous, Residues, Blocks, Packed } kind;
  mlir::AffineExpr slices, rows, query, keys, key;
  Ranges rowRanges, keyRanges; ///< of (h, s, r) and of (h, s, t)

  /// Number of slots whose key is below x(h, s, r): the least or greatest of one expression or two.
  llvm::SmallVector<mlir::AffineExpr, 2> slotsBelow(mlir::AffineExpr x, Extreme extreme) const;
  /// Number of rows whose query is below x(h, s, t).
  mlir::AffineExpr rowsBelow(mlir::AffineExpr x) const;

  int64_t stride = 1; ///< Residues: the modulus; Blocks: the block
  mlir::AffineExpr querySlice,
      keySlice; ///< what a position has beside r or t (Residues: its residue; Blocks: the first position)
  std::optional<KeyBand> band; ///< Packed
};

/// i = firstQuery + r, j = firstKey + t, up to lastQuery and lastKey.
Coordinates contiguousCoordinates(const CellSpace &space, int64_t firstQuery, int64_t lastQuery,
                                  int64_t firstKey, int64_t lastKey);
/// i = m r + s, j = m t + ((s - e) mod m); with a band (of modulus m, e = 0) only residues within it.
Coordinates residueCoordinates(const CellSpace &space, int64_t m, int64_t e,
                               const std::optional<KeyBand> &band);
/// i = l s + r + shift, j = l s + t + offset of the band (0 without one), t < w; shift >= 0.
Coordinates blockCoordinates(const CellSpace &space, int64_t l, int64_t shift,
                             const std::optional<KeyBand> &band);
/// i = r, j = l (t floordiv w) + offset + t mod w.
Coordinates packedCoordinates(const CellSpace &space, const KeyBand &band);

} // namespace drawloom
