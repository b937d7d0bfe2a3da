// The reference interpreter: what a drawloom function means, computed slowly and in float64.
#pragma once
#include "dialect/interp/Tensor.h"
#include "mlir/IR/BuiltinOps.h"

namespace drawloom {

/// Evaluates func.func functions whose bodies hold drawloom ops (all but `launch`), func.call, func.return
/// and arith.constant on tensors. Arithmetic is float64 whatever the element types are, and a cast rounds
/// nothing; dropout masks are bit-exact. Attention ops ask the pattern for each pair; ops on pieces walk their view. So the two check
/// each other.
class Interpreter {
public:
  explicit Interpreter(mlir::ModuleOp module) : module(module) {}

  /// The results of `function` on `args`. Failures are diagnostics at the op: an unknown function, arguments
  /// of other shapes than declared, an index out of range, an op that has no meaning here.
  llvm::FailureOr<std::vector<Tensor>> run(llvm::StringRef function, llvm::ArrayRef<Tensor> args);

private:
  mlir::ModuleOp module;
};

} // namespace drawloom
