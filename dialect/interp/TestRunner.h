// Tests written in MLIR: functions that say in attributes what they are fed with and what must come out.
//
//   func.func @gelu_of_zero(%x: tensor<2xf64> {drawloom.value = dense<[0.0, 1.0]> : tensor<2xf64>})
//       -> (tensor<2xf64> {drawloom.expect = dense<[0.0, 0.84579576]> : tensor<2xf64>})
//       attributes {drawloom.test, drawloom.tolerance = 1.0e-6} { ... }
//
// Arguments, one of:  drawloom.value = dense<...>        these elements
//                     drawloom.random = SEED             uniform in [-1, 1), times drawloom.scale if given;
//                                                        integers need drawloom.below = N: uniform in [0, N)
// Checks, at least one of:
//   result attribute    drawloom.expect = dense<...>     relative error in norm at most the tolerance
//   function attributes drawloom.equals = @other         the same results as another function on the same
//   arguments
//                       drawloom.gradients               central differences agree with the built gradient to
//                       1e-6 drawloom.fails = "text"          interpreting it is an error whose message
//                       contains the text
// drawloom.tolerance = 1e-9 unless given. Types in tests are best f64: f32 attributes hold rounded values.
#pragma once
#include "dialect/ir/Dialect.h"

namespace drawloom {

struct TestOutcome {
  std::string name;
  bool passed;
  std::string detail; ///< why it failed, or how close it was
};

/// Runs one function with the attribute `drawloom.test`; `checkGradients` asks for central differences
/// whatever the attributes say.
TestOutcome runTest(mlir::func::FuncOp f, bool checkGradients);

/// The arguments that the function's attributes describe.
llvm::FailureOr<std::vector<struct Tensor>> testArguments(mlir::func::FuncOp f);

inline constexpr llvm::StringLiteral kTestAttr = "drawloom.test";

} // namespace drawloom
