// How a product whose rows are needed whole is shared out among blocks.
#pragma once
#include "passes/products/ProductPlan.h"

namespace drawloom::products {

/// A block has warp groups that go through rows, each with consecutive rows of its own, and one that
/// multiplies for them in turn: tiles of kTileRows rows and all columns, some columns at a time. Slices of a
/// and of b come through a ring.
struct RowProductCut {
  int64_t groups;      ///< of warps that go through rows
  int64_t passColumns; ///< of b that are multiplied with at a time
  int64_t stages;      ///< of the ring

  int64_t allGroups() const { return groups + 2; } ///< one multiplies, one brings slices
};

inline constexpr int64_t kMostRowColumns = 256; ///< of a tile
inline constexpr int64_t kRowColumns = 64;      ///< columns are a multiple of this: whole panels of a tile

/// The cut of a product of `columns` columns.
RowProductCut chooseRowCut(int64_t columns);

/// Registers of a thread that goes through rows, after the warp groups have shared them out anew; one that
/// multiplies keeps what it was launched with.
int64_t rowRegisters(const RowProductCut &cut);

} // namespace drawloom::products
