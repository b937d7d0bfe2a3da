// Affine expressions of which some dimensions are vectors.
#pragma once
#include "passes/tiles/Emitter.h"

namespace drawloom::tiles {

/// An upper bound of |e| and of the magnitude of all its parts, if all dimensions are in [0, bound). Saturates.
int64_t magnitude(mlir::AffineExpr expr, int64_t bound);

/// The value of `expr`. Each dimension is an index or a vector of integers; vectors must have one type. The result is an
/// index if no vector occurs in it. Divisors must be positive constants, as in affine maps that denote functions.
Value evaluate(const Emitter &e, mlir::AffineExpr expr, ArrayRef<Value> dims);

/// An index as a vector of `element`; a vector stays.
Value toVector(const Emitter &e, Value value, mlir::Type element, int64_t lanes);

} // namespace drawloom::tiles
