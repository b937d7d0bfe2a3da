// Ops that stand in a block become one fusion.
#pragma once
#include "dialect/ir/Dialect.h"

namespace drawloom {

/// Moves `ops`, in program order, into a new fusion at the builder's insertion point, which everything they
/// need dominates. What is used outside becomes a result; the label joins those of the ops.
FusionOp outline(mlir::OpBuilder &builder, llvm::ArrayRef<mlir::Operation *> ops);

} // namespace drawloom
