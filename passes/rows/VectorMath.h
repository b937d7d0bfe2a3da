// Elementary functions as straight-line arith and math ops, for f32 scalars and vectors of any shape.
//
// Kernels call nothing outside their image, so exp and log are polynomials here, not library calls. Every
// step is an explicit operation (fused multiply-adds are math.fma), so a result has the same bits whatever
// the vector width. Measured errors (test/codegen/VectorMathTest.cpp): exp2, exp, log2, log <= 1.5 ulp,
// sigmoid <= 3 ulp.
#pragma once
#include "dialect/Pch.h"

namespace drawloom::vecmath {

/// The constant `value`, of `like`'s type (f32, i32, or vectors of them).
mlir::Value constant(mlir::OpBuilder &b, mlir::Location loc, mlir::Type like, double value);
mlir::Value constantInt(mlir::OpBuilder &b, mlir::Location loc, mlir::Type like, int64_t value);

/// 2^x. NaN stays NaN, x >= 127.5 gives inf, results below 2^-126 become 0 (so exp2(-inf) = 0). 15
/// operations.
mlir::Value exp2(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);
/// e^x, with the same limits.
mlir::Value exp(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);
/// Base-2 and natural logarithm of x. 0 gives -inf, inf gives inf, negative and NaN give NaN; subnormals are
/// exact too.
mlir::Value log2(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);
mlir::Value log(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);
/// 1 / (1 + e^-x).
mlir::Value sigmoid(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);

/// max(a, b) as one x86 instruction: `b` if either is NaN. Not for other uses of NaN.
mlir::Value max(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, mlir::Value y);
mlir::Value min(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, mlir::Value y);

} // namespace drawloom::vecmath
