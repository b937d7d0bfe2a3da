// The op harness on the device: the tests of test/codegen, run through Program.
#include "test/codegen/OpHarness.h"
#include "dialect/ir/Dialect.h"
#include "test/gpu/DeviceRun.h"

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
  auto expected = Interpreter(*module).run("f", inputs);
  ASSERT_TRUE(succeeded(expected));
  auto run = DeviceRun::make(*module, check.options);
  ASSERT_TRUE(run);
  for (size_t k = 0; k < inputs.size(); ++k) run->put("arg" + std::to_string(k), inputs[k]);
  std::vector<std::vector<std::byte>> first;
  for (int repetition = 0; repetition < 3; ++repetition) {
    run->run("f");
    for (size_t k = 0; k < expected->size(); ++k) {
      std::string name = "result" + std::to_string(k);
      if (repetition == 0) {
        double error = relativeError(run->get(name), (*expected)[k]);
        noteError(opNames(*module), plan::EnumNameDType(run->dtype(name)), error);
        EXPECT_LE(error, check.tolerances.empty() ? check.tolerance : check.tolerances[k]) << name << " of " << text;
        first.push_back(run->bits(name));
      } else {
        EXPECT_EQ(run->bits(name), first[k]) << name << " has other bits in another run, in " << text;
      }
    }
  }
}

} // namespace drawloom::test
