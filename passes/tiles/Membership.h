// Which pairs of a score tile belong to a view: exactly, for a vector of queries and one key at a time.
#pragma once
#include "passes/tiles/AffineVectors.h"

namespace drawloom::tiles {

/// Rows of a score tile: which exist, and which slots each attends to.
struct MaskRows {
  Value row, lo, hi, query;
};

/// Builds the tests of one tile.mask. Vectors are of i32 where no value of the view's expressions can leave
/// 32 bits.
class Membership {
public:
  Membership(TileMaskOp op, const Emitter &e);

  /// The rows at `offsets`, a vector of indices relative to the tile's first row.
  MaskRows rowsAt(Value offsets) const;
  /// Whether the rows attend to `slot`, an index.
  Value contains(const MaskRows &rows, Value slot) const;
  /// Of the vectors: i32 or i64.
  mlir::Type elementType() const { return element; }

private:
  bool fitsInt32() const;
  Value vectorOf(Value index, int64_t lanes) const { return toVector(e, index, element, lanes); }
  Value both(Value x, Value y) const { return mlir::arith::AndIOp::create(e.b, e.loc, x, y); }
  Value predicateHolds(const MaskRows &rows, Value slot, int64_t lanes) const;

  mutable TileMaskOp op; // accessors of ops are not const
  ViewAttr view;
  const Emitter &e;
  Value head, slice;
  mlir::Type element;
};

/// What tile.extents stores for the group of queries that begins at `firstQuery` of the tile.
struct GroupExtents {
  Value from, to;
};
GroupExtents extentsOf(TileExtentsOp op, Value firstQuery, const Emitter &e);

} // namespace drawloom::tiles
