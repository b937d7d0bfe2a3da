// Short names for the floating-point ops of one expression.
#pragma once
#include "passes/rows/VectorMath.h"

namespace drawloom::rows {

/// What row kernels run on: it decides how work is shared and which instructions elementary functions have.
enum class Machine { Cpu, Gpu };

/// Makes ops at a place in the code, on scalars and vectors alike; operands of one op have one type.
struct Math {
  mlir::OpBuilder &b;
  mlir::Location loc;
  Machine machine = Machine::Cpu;
  using Value = mlir::Value;

  Value add(Value x, Value y) { return mlir::arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return mlir::arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return mlir::arith::MulFOp::create(b, loc, x, y); }
  Value div(Value x, Value y) { return mlir::arith::DivFOp::create(b, loc, x, y); }
  Value fma(Value x, Value y, Value z) { return mlir::math::FmaOp::create(b, loc, x, y, z); }
  Value sqrt(Value x) { return mlir::math::SqrtOp::create(b, loc, x); }
  Value select(Value c, Value x, Value y) { return mlir::arith::SelectOp::create(b, loc, c, x, y); }
  Value constant(Value like, double value) { return vecmath::constant(b, loc, like.getType(), value); }
  Value index(int64_t value) { return mlir::arith::ConstantIndexOp::create(b, loc, value); }
  /// A vector of `like`'s shape, all of whose lanes are `scalar`.
  Value splat(Value like, Value scalar) {
    auto type =
        mlir::VectorType::get(llvm::cast<mlir::VectorType>(like.getType()).getShape(), scalar.getType());
    return mlir::vector::BroadcastOp::create(b, loc, type, scalar);
  }

  /// e^x. On a GPU by the approximate power of two: 2 ulp and half an ulp of x log2 e.
  Value exp(Value x);
  /// 1 / (1 + e^-x), on a GPU by the approximate reciprocal (1 ulp) of it.
  Value sigmoid(Value x);
  Value log(Value x) { return vecmath::log(b, loc, x); }

  /// f32 values as a tensor of `element` holds them: rounded to nearest, still f32.
  Value rounded(Value x, mlir::Type element);
  /// 16-bit floats to f32 (all others stay), and f32 to `element`.
  Value widened(Value x);
  Value narrowed(Value x, mlir::Type element);
};

/// True for bf16 and f16.
bool isNarrowFloat(mlir::Type element);

} // namespace drawloom::rows
