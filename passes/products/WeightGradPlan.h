// How the gradient of a layer's weight, a product that is long in its inner extent, is shared out among
// blocks.
#pragma once
#include "passes/products/ProductPlan.h"

namespace drawloom::products {

/// dW [outputs, inputs] = dY^T X, dY [rows, outputs], X [rows, inputs].
struct WeightGradShape {
  int64_t rows, outputs, inputs;
};

/// dW is cut into tiles of 64 groups x columns, and the rows of dY and X into slices of kSliceInner. A
/// unit is what a slice adds to a tile. Units are in a line, tile after tile, and each block has an equal
/// part of it: the end of one tile, whole tiles, the beginning of another. What a block has of a tile is a
/// segment.
struct WeightGradCut {
  int64_t groups;  ///< consumer warp groups: 64 rows of a tile each
  int64_t columns; ///< of a tile
  int64_t stages;  ///< of the ring of slices
  int64_t blocks;

  int64_t outputs() const { return groups * kTileRows; } ///< rows of a tile

  /// Tiles that share rows of dW, which follow one another.
  int64_t columnTiles(const WeightGradShape &shape) const { return (shape.inputs + columns - 1) / columns; }
  int64_t tiles(const WeightGradShape &shape) const;
  int64_t units(const WeightGradShape &shape) const;
  /// Segment of block b and tile t has partial sums number b + t, which no other has; some numbers may be
  /// nobody's.
  int64_t partials(const WeightGradShape &shape) const { return blocks + tiles(shape) - 1; }
  /// Of partial products.
  int64_t partialBytes(const WeightGradShape &shape) const {
    return partials(shape) * outputs() * columns * int64_t(sizeof(float));
  }

  // With products that stay within 32 bits (fitsIntegers):
  /// First unit of block `block`, or end of the one before.
  int64_t firstUnit(const WeightGradShape &shape, int64_t block) const {
    return block * units(shape) / blocks;
  }
  /// The block that has unit `unit`.
  int64_t blockOf(const WeightGradShape &shape, int64_t unit) const {
    return ((unit + 1) * blocks - 1) / units(shape);
  }
};

/// Warp groups of a block, at most: the second launch has a thread for each row of a tile.
inline constexpr int64_t kMostGradGroups = 4;

int64_t gradSlices(const WeightGradShape &shape);

/// Whether positions in the line of units can be computed in 32 bits.
bool fitsIntegers(const WeightGradShape &shape, const WeightGradCut &cut);

/// The cut for an H100 or H200.
WeightGradCut chooseGradCut(const WeightGradShape &shape);
/// One with given warp groups, columns and stages.
WeightGradCut gradCut(const WeightGradShape &shape, int64_t groups, int64_t columns, int64_t stages);

} // namespace drawloom::products
