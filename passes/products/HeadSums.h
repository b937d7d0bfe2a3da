// Sums along a row's heads of what a thread has of a product's tile: delta = rowsum(dO * O).
#pragma once
#include "passes/gpu/GpuBuilder.h"

namespace drawloom::products {

/// Σ_c x[row, c] y[row, c] over the columns c of each head, in f32: attention_delta of a tile of 64 rows
/// whose columns are whole heads. A thread adds up the columns that it has, in order, and the four lanes of a
/// row add theirs in a tree: so the order of additions does not depend on how a product is cut.
class HeadSums {
public:
  /// `columns` of a tile, in heads of `channels`, a multiple of 8; `delta` [B, H, n].
  HeadSums(const GpuBuilder &g, int64_t columns, int64_t channels, mlir::Value delta);

  /// Adds the terms of two neighbouring columns, of the eight that begin at 8 `chunk`: f32. `half` tells
  /// which of the thread's two rows they are of.
  void add(int64_t chunk, int64_t half, mlir::Value x, mlir::Value y);
  /// Writes the sums of the thread's rows; `row` (i32) is the first, the other one comes eight rows later.
  /// `firstColumn` (i32) is the tile's.
  void store(mlir::Value row, mlir::Value firstColumn) const;

private:
  const GpuBuilder &g;
  int64_t channels;
  mlir::Value delta;
  llvm::SmallVector<std::array<mlir::Value, 2>, 4> sums; ///< of a head, for each of the two rows
};

} // namespace drawloom::products
