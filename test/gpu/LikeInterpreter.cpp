#include "test/gpu/LikeInterpreter.h"
#include "dialect/interp/Interpreter.h"
#include "test/codegen/OpHarness.h"
#include <gtest/gtest.h>

namespace drawloom::test {

std::vector<std::vector<std::byte>>
expectLikeMeaning(mlir::ModuleOp module, const std::vector<Tensor> &inputs, int runs,
                  llvm::function_ref<Judgement(size_t, plan::DType)> judge, const CompileOptions &options) {
  std::vector<std::vector<std::byte>> first;
  auto expected = Interpreter(module).run("f", inputs);
  EXPECT_TRUE(succeeded(expected));
  auto run = DeviceRun::make(module, options);
  if (failed(expected) || !run) return first;
  for (size_t k = 0; k < inputs.size(); ++k) run->put("arg" + std::to_string(k), inputs[k]);
  for (int repetition = 0; repetition < runs; ++repetition) {
    run->run("f");
    for (size_t k = 0; k < expected->size(); ++k) {
      std::string name = "result" + std::to_string(k);
      if (repetition > 0) {
        EXPECT_EQ(run->bits(name), first[k]) << name << " has other bits in another run";
        continue;
      }
      double error = relativeError(run->get(name), (*expected)[k]);
      Judgement judgement = judge(k, run->dtype(name));
      noteError(judgement.what, judgement.type, error);
      EXPECT_LE(error, judgement.tolerance) << name;
      first.push_back(run->bits(name));
    }
  }
  return first;
}

} // namespace drawloom::test
