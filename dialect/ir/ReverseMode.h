// Reverse-mode differentiation of a list of ops. `SegmentOp::buildGradient` and the pass
// `drawloom-differentiate` share it.
#pragma once
#include "dialect/ir/Dialect.h"

namespace drawloom {

/// The gradient of the objective with respect to a value; a value without an entry does not influence it. A
/// gradient has the value's shape. It may have a wider element type where it is a long sum (the f32 gradient
/// of a matrix's bf16 copy); gradient rules but that of `cast` get it in the value's type.
using Cotangents = llvm::DenseMap<mlir::Value, mlir::Value>;

/// `value` with elements of type `element`: itself, or a `drawloom.cast` of it.
mlir::Value withElementType(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value,
                            mlir::Type element);

/// cotangents[value] += grad, as a `drawloom.add` whose left operand is what was there before; of two element
/// types the wider.
void accumulate(mlir::OpBuilder &builder, mlir::Location loc, Cotangents &cotangents, mlir::Value value,
                mlir::Value grad);

/// Builds, at the builder's insertion point, the gradients of `ops` (in program order) in reverse.
///
/// `cotangents` comes with the seeds: the gradients of the values that the objective is made of. It may also
/// hold running sums for values in `wanted` (a parameter's gradient buffer), to which the new gradients are
/// added. Afterwards it has an entry for each wanted value that the seeds depend on. Only ops that depend on
/// a wanted value are differentiated, and ops that turn out to be unused are not left behind. Gradients of
/// one value are added in the order in which its users are met going backwards, so the sums are reproducible.
///
/// New ops carry the label of the op they belong to with ".grad" appended, and its segment. Fails with DIFF1
/// at an op that the gradient must pass through and that has no gradient rule.
llvm::LogicalResult differentiateOps(mlir::OpBuilder &builder, llvm::ArrayRef<mlir::Operation *> ops,
                                     mlir::ValueRange wanted, Cotangents &cotangents);

/// Erases the ops of `block` that nothing needs, last first.
void eraseDeadOps(mlir::Block &block);

} // namespace drawloom
