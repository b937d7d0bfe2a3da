// Central differences against `buildGradient`, in float64.
#pragma once
#include "dialect/interp/Tensor.h"
#include "dialect/ir/Dialect.h"

namespace drawloom {

/// Adds a function `name` to f's module. Arguments: f's, then the gradient of each float result. Results: the
/// gradient of each float argument (zeros if no result depends on it). Fails as `differentiateOps` does.
llvm::FailureOr<mlir::func::FuncOp> buildGradientFunction(mlir::func::FuncOp f, llvm::StringRef name);

struct GradientCheckOptions {
  double step = 1e-5;        ///< h in (L(x + h) - L(x - h)) / 2h, times max(1, |x|)
  int64_t maxElements = 400; ///< an argument with more elements is checked at this many, evenly spread
  uint64_t seed = 1;         ///< of the objective's weights
};

/// How far the gradient of one argument is from central differences: relative error in the Euclidean norm.
struct GradientError {
  unsigned argument;
  double error;
};

/// The objective is a random linear form of all float results. One entry a float argument. Leaves the module
/// as it was.
llvm::FailureOr<std::vector<GradientError>> checkGradients(mlir::func::FuncOp f, llvm::ArrayRef<Tensor> args,
                                                           GradientCheckOptions options = {});

} // namespace drawloom
