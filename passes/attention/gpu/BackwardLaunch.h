// What the launches of the backward pass have in common.
#pragma once
#include "passes/attention/Lowering.h"

namespace drawloom::attention {

/// The op's values, in the order of BackwardArgument, and the gradients that it starts from (or null) and
/// gives.
struct Operands {
  explicit Operands(AttendGradOp op)
      : inputs{op.getDout(), op.getQ(), op.getK(), op.getV(), op.getLse(), op.getDelta()},
        before{op.getDq0(), op.getDk0(), op.getDv0()}, results{op.getDq(), op.getDk(), op.getDv()} {}
  llvm::SmallVector<Value> inputs, before, results;
  Value keptDelta = {}; ///< what the launch leaves for later ones

  /// Zeros in the place of `gradients` (0 dQ, 1 dK, 2 dV) that start from nothing: where a kernel writes only
  /// the view's rows.
  void startFromZeros(mlir::OpBuilder &b, mlir::Location loc, ArrayRef<unsigned> gradients);
};

/// A launch that makes `gradients`, with all but its key and counts filled in.
LaunchSpec launchSpecOf(const Operands &operands, ArrayRef<unsigned> gradients, const Shape &shape,
                        ViewAttr view, const char *name);

/// The kernel's argument that is the launch's `result`: inputs come first, in place or not, then results that
/// are not in place.
unsigned argumentOf(const LaunchSpec &spec, unsigned result);

} // namespace drawloom::attention
