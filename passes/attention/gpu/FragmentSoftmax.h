// The online softmax on fragments: a thread holds parts of two rows, four neighbouring lanes hold a row.
#pragma once
#include "passes/attention/TileKernel.h"
#include "passes/gpu/GpuBuilder.h"
#include <array>

namespace drawloom::attention {

/// One f32 for each of a thread's two rows.
using RowPair = std::array<Value, 2>;

/// Greatest scores and sums so far; the sum is the thread's own part of it.
struct SoftmaxState {
  RowPair greatest, sum;
};

/// Builds the steps. Scores are multiplied by `scale` (positive) as exponents of 2.
class FragmentSoftmax {
public:
  FragmentSoftmax(const GpuBuilder &g, double scale) : g(g), scale(scale) {}

  struct Step {
    SoftmaxState state;
    RowPair rescale;     ///< what sums and outputs of earlier steps are multiplied by
    Value probabilities; ///< f32 fragment
  };
  /// One more tile of scores (f32 fragment; -inf where masked).
  Step meet(Value scores, const SoftmaxState &before) const;
  /// The greatest scores, with those of the tile.
  RowPair greatestWith(Value scores, const RowPair &before) const;
  /// What a tile adds to sums that count from `greatest`, which need not be the greatest scores: the
  /// probabilities are then relative to others.
  struct Added {
    Value probabilities; ///< f32 fragment
    RowPair sums;        ///< of the thread's columns
  };
  Added added(Value scores, const RowPair &greatest) const;
  /// i1, alike in all lanes of a warp: whether a row, whose probabilities become `element`, has a sum that is
  /// too great for it (or no number), or counts from nothing. Sums are compared, and not scores, because
  /// there are few.
  Value isTooGreat(const Added &added, const RowPair &greatest, mlir::Type element) const;
  /// What sums that count from `before` are multiplied by to count from `now`.
  RowPair rescaling(const RowPair &before, const RowPair &now) const;
  SoftmaxState nothing() const;

  RowPair pair(Value x) const { return {x, x}; }
  RowPair zip(const RowPair &x, const RowPair &y, llvm::function_ref<Value(Value, Value)> f) const {
    return {f(x[0], y[0]), f(x[1], y[1])};
  }
  RowPair map(const RowPair &x, llvm::function_ref<Value(Value)> f) const { return {f(x[0]), f(x[1])}; }
  /// Adds up what the four lanes of a row hold.
  RowPair acrossLanes(const RowPair &x, bool isMax) const;
  /// A fragment times one factor a row.
  Value scaleRows(Value fragment, const RowPair &factor) const;
  Value spreadRows(const RowPair &x, mlir::VectorType type) const;
  Value constant(double value) const;
  Value isNegativeInfinity(Value x) const;

private:
  /// Over the thread's own columns.
  RowPair reduce(Value fragment, bool isMax) const;
  /// -scale times the greatest scores.
  RowPair shiftOf(const RowPair &greatest) const;
  Value combine(Value x, Value y, bool isMax) const;

  const GpuBuilder &g;
  double scale;
};

} // namespace drawloom::attention
