// Scalar products of rows, which delta = rowsum(dO * O) is made of.
#pragma once
#include "passes/attention/TileKernel.h"
#include "passes/gpu/GpuBuilder.h"

namespace drawloom::attention {

/// Σ_c x[i, c] y[i, c] in f32, of rows of 16-bit elements.
///
/// A warp makes `rows` of them. A row is read by `lanes` neighbouring lanes, a piece of 16 bytes each, and
/// there are `turns` turns: in turn i the lanes from s * lanes on read row s * turns + i, and lane i of them
/// keeps the sum.
struct RowDots {
  static constexpr int64_t kPiece = 8; ///< elements

  const GpuBuilder &g;
  int64_t channels; ///< of a row: a multiple of 8, at most 256
  int64_t rows;     ///< of a warp: at most 32, and `rows * lanes()` a multiple of 32

  int64_t lanes() const { return llvm::PowerOf2Ceil(channels / kPiece); }
  int64_t turns() const { return rows * lanes() / kWarpThreads; }

  /// The row (i32) and the piece of it that the lane reads in a turn.
  Value rowIn(int64_t turn) const;
  Value piece() const;
  /// The row whose sum the lane keeps, and whether it keeps one (i1). Where a warp has 32 rows, all do, and
  /// the row is the lane's number.
  Value row() const;
  Value keeps() const;

  /// The lane's pieces in turns [first, first + count) of rows of a head, all asked for at once; `positionOf`
  /// tells where a row lies in an activation [B, n, H * channels]: within [0, n).
  SmallVector<Value> read(Value memref, Value batch, Value head, int64_t first, int64_t count,
                          llvm::function_ref<Value(Value)> positionOf) const;
  /// By all lanes of a warp, from the pieces of turns from `first` on: the lane's sum, if it is one of
  /// theirs, else `kept`.
  Value sums(ArrayRef<Value> xs, ArrayRef<Value> ys, int64_t first = 0, Value kept = {}) const;

private:
  Value sum(Value x, Value y) const;
};

} // namespace drawloom::attention
