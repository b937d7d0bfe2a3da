// A function on the device beside its meaning in float64.
#pragma once
#include "test/gpu/DeviceRun.h"

namespace drawloom::test {

/// What the error of a result is noted as, and how large it may be.
struct Judgement {
  std::string what, type;
  double tolerance;
};

/// Runs the function "f" of `module` so many times, with `inputs` for its arguments. Expects results within
/// what `judge` says of a result's number and element type of what the interpreter gives, and the same bits
/// each time. Returns these bits; nothing, with a test failure, if it does not come to a run.
std::vector<std::vector<std::byte>>
expectLikeMeaning(mlir::ModuleOp module, const std::vector<Tensor> &inputs, int runs,
                  llvm::function_ref<Judgement(size_t result, plan::DType type)> judge,
                  const CompileOptions &options = {});

} // namespace drawloom::test
