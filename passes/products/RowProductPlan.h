// How a product whose rows are needed whole is shared out among blocks.
#pragma once
#include "passes/products/ProductPlan.h"

namespace drawloom::products {

/// A block takes tiles of neighbouring rows, one after another: all columns of kTileRows rows for each row of
/// warp groups. Slices of a and of b come through a ring.
struct RowProductCut {
  int64_t rowGroups = 2;    ///< times kTileRows: rows of a tile
  int64_t columnGroups = 2; ///< warp groups that share a tile's columns: more warps, for epilogues
  int64_t stages = 3;       ///< of the ring

  int64_t groups() const { return rowGroups * columnGroups; } ///< consumer warp groups
  int64_t tileRows() const { return rowGroups * kTileRows; }  ///< of a block
};

inline constexpr int64_t kMostRowColumns = 256; ///< of a tile
inline constexpr int64_t kRowColumns = 64;      ///< columns are a multiple of this: whole panels of a tile

/// Rows of a block of a product of `rows` rows: a multiple of a tile's, so that an H100 or H200 has as many
/// to do everywhere.
int64_t rowsOfBlock(int64_t rows, const RowProductCut &cut);

/// The cut of a product of `columns` columns. Sums over rows take registers that only half as many warps
/// have.
RowProductCut chooseRowCut(int64_t columns, bool hasSums);

} // namespace drawloom::products
