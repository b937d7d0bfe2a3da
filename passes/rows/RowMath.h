// Short names for the floating-point ops of one expression.
#pragma once
#include "passes/rows/VectorMath.h"

namespace drawloom::rows {

/// Makes ops at a place in the code, on scalars and vectors alike; operands of one op have one type.
struct Math {
  mlir::OpBuilder &b;
  mlir::Location loc;
  using Value = mlir::Value;

  Value add(Value x, Value y) { return mlir::arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return mlir::arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return mlir::arith::MulFOp::create(b, loc, x, y); }
  Value div(Value x, Value y) { return mlir::arith::DivFOp::create(b, loc, x, y); }
  Value fma(Value x, Value y, Value z) { return mlir::math::FmaOp::create(b, loc, x, y, z); }
  Value select(Value c, Value x, Value y) { return mlir::arith::SelectOp::create(b, loc, c, x, y); }
  Value constant(Value like, double value) { return vecmath::constant(b, loc, like.getType(), value); }
  /// A vector of `like`'s shape, all of whose lanes are `scalar`.
  Value splat(Value like, Value scalar) {
    auto type =
        mlir::VectorType::get(llvm::cast<mlir::VectorType>(like.getType()).getShape(), scalar.getType());
    return mlir::vector::BroadcastOp::create(b, loc, type, scalar);
  }
};

} // namespace drawloom::rows
