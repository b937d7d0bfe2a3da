// The harness on a CPU: every launch cut in several ways, by PlanRunner.
#include "test/codegen/OpHarness.h"

namespace drawloom::test {

template <class T> static void copyIn(GuardedBuffer &buffer, const Tensor &tensor) {
  auto *out = reinterpret_cast<T *>(buffer.data());
  ASSERT_EQ(buffer.size(), tensor.size() * sizeof(T));
  for (int64_t i = 0; i < tensor.size(); ++i)
    out[i] = tensor.isInteger ? T(tensor.integers[i]) : T(tensor.values[i]);
}

void put(PlanRunner &runner, const std::string &name, const Tensor &tensor) {
  GuardedBuffer &buffer = runner.buffer(name);
  switch (runner.info(name).dtype) {
  case plan::DType::F32: return copyIn<float>(buffer, tensor);
  case plan::DType::F64: return copyIn<double>(buffer, tensor);
  case plan::DType::I32: return copyIn<int32_t>(buffer, tensor);
  case plan::DType::I64: return copyIn<int64_t>(buffer, tensor);
  default: FAIL() << "no test has buffers of this type";
  }
}

Tensor get(PlanRunner &runner, const std::string &name) {
  GuardedBuffer &buffer = runner.buffer(name);
  const plan::BufferT &info = runner.info(name);
  std::vector<int64_t> shape(info.shape.begin(), info.shape.end());
  EXPECT_EQ(info.dtype, plan::DType::F32);
  Tensor result = Tensor::zeros(shape);
  auto *values = reinterpret_cast<float *>(buffer.data());
  for (int64_t i = 0; i < result.size(); ++i) result.values[i] = values[i];
  return result;
}

void expectLikeInterpreter(const std::string &text, std::vector<Tensor> inputs, Check check) {
  auto module = parse(text);
  ASSERT_TRUE(module);
  for (Tensor &input : inputs) input = rounded(input);
  auto expected = Interpreter(*module).run("f", inputs);
  ASSERT_TRUE(succeeded(expected));
  std::vector<std::byte> artifact = compile(*module, check.options);
  ASSERT_FALSE(artifact.empty());

  std::vector<std::vector<std::byte>> first;
  for (uint64_t seed = 0; seed < 3; ++seed) {
    PlanRunner runner(artifact);
    for (size_t k = 0; k < inputs.size(); ++k)
      if (std::string name = "arg" + std::to_string(k); runner.has(name)) put(runner, name, inputs[k]);
    ASSERT_EQ(runner.run("f", seed), "");
    for (size_t k = 0; k < expected->size(); ++k) {
      std::string name = "result" + std::to_string(k);
      GuardedBuffer &buffer = runner.buffer(name);
      std::vector<std::byte> bits(buffer.data(), buffer.data() + buffer.size());
      if (seed == 0) {
        double tolerance = check.tolerances.empty() ? check.tolerance : check.tolerances[k];
        EXPECT_LE(relativeError(get(runner, name), (*expected)[k]), tolerance) << name << " of " << text;
        first.push_back(bits);
      } else {
        EXPECT_EQ(bits, first[k]) << name << " depends on how the grid is cut, in " << text;
      }
    }
  }
}

} // namespace drawloom::test
