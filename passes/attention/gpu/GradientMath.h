// What the backward kernels do with fragments: bounds of rows, probabilities, gradients of scores, results to
// memory.
#pragma once
#include "passes/attention/DeltaSource.h"
#include "passes/attention/gpu/SideTiles.h"

namespace drawloom::attention {

/// Arguments of attend_grad's kernels: `kDelta` is O where the kernel makes delta. The gradients follow, and
/// delta if it is kept.
enum BackwardArgument { kDOut, kQ, kK, kV, kLse, kDelta, kFirstGradient, kKeptDelta = kFirstGradient + 3 };

/// Which columns (rows of the other side) a warp group's 64 rows meet.
struct RowBounds {
  Value low, high;                    ///< vector<2x1xi32>: of the thread's two rows
  Value from, to, wholeFrom, wholeTo; ///< i32: of the group
};

/// The statistics of a fragment's queries, in a form that spreads to the fragment: vector<2x1xf32> if queries
/// are its rows, vector<Jx1x2xf32> if they are its columns.
struct QueryStatistics {
  Value lse; ///< -lse log2 e
  Value delta;
};

class GradientMath {
public:
  GradientMath(const GpuBuilder &g, double scale) : g(g), scale(scale) {}

  const GpuBuilder &g;

  /// Rows [row, row + 64) of the tile `own`. The thread's two are 16 warp + lane / 4, and 8 further on.
  RowBounds boundsOf(const SideTiles &side, const TilePlace &own, Value other, Value row) const;
  /// Positions of the thread's two rows.
  SmallVector<Value> positionsOf(const TilePlace &own, Value row) const;
  /// Whether some row meets one of the columns [at, at + columns) (i1).
  Value isMet(const RowBounds &rows, Value at, int64_t columns) const;

  /// Of one query, from the kernel's arguments: -lse log2 e, and delta.
  Value lseAt(Value batch, Value head, Value position) const;
  Value deltaAt(Value batch, Value head, Value position) const;
  /// Both.
  SmallVector<Value> statisticsAt(Value batch, Value head, Value position) const;
  /// Of a thread's columns 8 j + 2 (lane mod 4) + {0, 1}, from two arrays of `columns` f32 in shared memory.
  QueryStatistics columnStatistics(Value lseAt, Value deltaAt, int64_t columns) const;

  /// exp(scores scale - lse), 0 where a row does not meet a column; the first column is `at`.
  Value probabilities(Value scores, const QueryStatistics &queries, const RowBounds &rows, Value at) const;
  /// P (dP - delta).
  Value scoreGradients(Value probabilities, Value outGradients, const QueryStatistics &queries) const;
  Value packed(Value fragment, Type element) const;

  /// own (64 x K) stream^T (K x N): starts a product.
  Value scoreProduct(Value own, mlir::TypedValue<dgpu::TileType> stream) const;
  SmallVector<Value> wait(ValueRange values, int64_t pending) const;

private:
  Value masked(Value p, const RowBounds &rows, Value at) const;
  double scale;
};

/// Writes gradients of 64 rows to an activation, by a warp group, through the same rows of a tile in shared
/// memory.
struct GradientStore {
  const GpuBuilder &g;
  RowCopy rows;
  bool continues;                     ///< adds to what the activation holds
  llvm::function_ref<void()> barrier; ///< of the warp group
  /// Where 64 rows are a box: they leave by a bulk copy, and thread 0 of the group has to wait for it.
  const ActivationTiles *bulk = nullptr;

  /// What the gradient is added to, if anything: ask early, the answer takes long.
  SmallVector<Value> fetch(const TilePlace &place, Value row) const {
    return continues ? rows.fetch(place, row) : SmallVector<Value>();
  }
  /// `gradient` * factor to rows [row, row + 64) of `place`. Nobody uses those rows of the tile at `offset`
  /// any more once all threads of the group are here.
  void store(Value gradient, double factor, ValueRange before, const TilePlace &place, Value row,
             Value offset) const;
};

} // namespace drawloom::attention
