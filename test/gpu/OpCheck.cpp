// The op harness on the device: the tests of test/codegen, run through Program.
#include "test/codegen/OpHarness.h"
#include "dialect/ir/Dialect.h"
#include "test/gpu/LikeInterpreter.h"

namespace drawloom::test {

/// The names of the graph ops of a module, for the table of worst errors.
static std::string opNames(mlir::ModuleOp module) {
  std::string names;
  module.walk([&](mlir::Operation *op) {
    if (!llvm::isa<DrawloomDialect>(op->getDialect()) || llvm::isa<FusionOp, YieldOp>(op)) return;
    std::string name = op->getName().stripDialect().str();
    if (names.find(name) == std::string::npos && names.size() < 36) names += (names.empty() ? "" : " ") + name;
  });
  return names;
}

void expectLikeInterpreter(const std::string &text, std::vector<Tensor> inputs, Check check) {
  auto module = parse(text);
  ASSERT_TRUE(module);
  for (Tensor &input : inputs) input = rounded(input);
  SCOPED_TRACE(text);
  expectLikeMeaning(
      *module, inputs, 3,
      [&](size_t k, plan::DType dtype) {
        double tolerance = check.tolerances.empty() ? check.tolerance : check.tolerances[k];
        return Judgement{opNames(*module), plan::EnumNameDType(dtype), tolerance};
      },
      check.options);
}

} // namespace drawloom::test
