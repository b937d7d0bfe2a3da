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
};

/// A launch that makes `gradients`, with all but its key and counts filled in.
LaunchSpec launchSpecOf(const Operands &operands, ArrayRef<unsigned> gradients, const Shape &shape,
                        ViewAttr view, const char *name);

} // namespace drawloom::attention
