// Compiles a function, runs it, and compares with the float64 interpreter.
#pragma once
#include "codegen/Compiler.h"
#include "dialect/interp/Interpreter.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "test/codegen/PlanRunner.h"
#include <gtest/gtest.h>

namespace drawloom::test {

/// One MLIR context with everything the compiler needs, shared by the tests of a binary.
mlir::MLIRContext &context();

mlir::OwningOpRef<mlir::ModuleOp> parse(const std::string &text);

/// The artifact of a module (which is left as it was).
std::vector<std::byte> compile(mlir::ModuleOp module, const CompileOptions &options = {});

/// Copies a tensor to a buffer, or back, converting to and from the buffer's element type.
void put(PlanRunner &runner, const std::string &name, const Tensor &tensor);
Tensor get(PlanRunner &runner, const std::string &name);

/// Values as f32 holds them.
Tensor rounded(Tensor tensor);

struct Check {
  double tolerance = 1e-6;             ///< relative error in norm of every result
  std::vector<double> tolerances = {}; ///< of each result, instead
  CompileOptions options = {};
};

/// Compiles `text`, whose only function is @f, and expects for `inputs`: results within the tolerance of the
/// interpreter's, the same bits however the grids are cut, and nothing written outside the buffers.
void expectLikeInterpreter(const std::string &text, std::vector<Tensor> inputs, Check check = {});

/// "2x3xf32" as a tensor type.
std::string tensorType(llvm::ArrayRef<int64_t> shape, const std::string &element = "f32");

} // namespace drawloom::test
