// Compiled plans looked into: what is in place, what has the same bits. On a CPU, by PlanRunner.
#include "runtime/abi/Abi.h"
#include "test/codegen/OpHarness.h"
#include <cmath>
#include <fmt/format.h>

namespace drawloom::test {
namespace {

class Shapes : public testing::TestWithParam<std::vector<int64_t>> {};
INSTANTIATE_TEST_SUITE_P(Plans, Shapes,
                         testing::Values(std::vector<int64_t>{1}, std::vector<int64_t>{33, 130},
                                         std::vector<int64_t>{7, 3, 211}));

TEST_P(Shapes, GlobalNormIsNotFiniteIfAnElementIsNot) {
  std::string type = tensorType(GetParam());
  auto module = parse(fmt::format(R"(
func.func @f(%x: {0}, %y: {0}) -> tensor<1xf32> {{
  %r = drawloom.global_norm %x, %y : ({0}, {0}) -> tensor<1xf32>
  return %r : tensor<1xf32>
}})",
                                  type));
  for (double bad : {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    PlanRunner runner(compile(*module));
    Tensor x = Tensor::random(GetParam(), 1);
    put(runner, "arg0", x);
    x.values.back() = bad;
    put(runner, "arg1", x);
    ASSERT_EQ(runner.run("f", 1), "");
    EXPECT_FALSE(std::isfinite(get(runner, "result0").values[0]));
  }
}

// With names that say so, everything is updated where it lies.
TEST_P(Shapes, InPlaceNeedsNoOtherMemory) {
  std::string type = tensorType(GetParam()), named = "{drawloom.name = ";
  auto module = parse(fmt::format(R"(
func.func @f(%p: {0} {{drawloom.name = "w", drawloom.role = "parameter"}}, %e: {0} {{drawloom.name = "w.ema", drawloom.role = "ema"}},
             %norm: tensor<1xf32>, %h: tensor<16xf32>) -> ({0} {{drawloom.name = "w.ema"}}) {{
  %n = drawloom.ema %e, %p, %norm, %h : ({0}, {0}, tensor<1xf32>, tensor<16xf32>) -> {0}
  return %n : {0}
}})",
                                  type));
  PlanRunner runner(compile(*module));
  Tensor weight = Tensor::random(GetParam(), 1), average = Tensor::random(GetParam(), 5),
         hyper = Tensor::zeros({abi::kHyperCount});
  hyper.values[abi::kEmaDecay] = 0.99;
  put(runner, "w", weight);
  put(runner, "w.ema", average);
  put(runner, "arg2", Tensor::of({1}, {1.0}));
  put(runner, "arg3", hyper);
  ASSERT_EQ(runner.run("f", 1), "");
  EXPECT_EQ(runner.plan.functions[0]->commands.size(), 1u);
  EXPECT_EQ(runner.plan.functions[0]->locals.size(), 0u);
  for (size_t i = 0; i < weight.values.size(); ++i)
    EXPECT_NEAR(get(runner, "w.ema").values[i], 0.99 * average.values[i] + 0.01 * weight.values[i], 1e-6);
  ASSERT_EQ(runner.plan.parameters.size(), 1u);
  EXPECT_EQ(runner.plan.parameters[0]->name, "w");
  EXPECT_NE(runner.plan.parameters[0]->ema, abi::kNoBuffer);
  EXPECT_EQ(runner.plan.parameters[0]->moment1, abi::kNoBuffer);
}

//===-- the same bits -----------------------------------------------------------------------------===//

CompileOptions onTarget(const std::string &name) {
  CompileOptions options;
  options.target = Target::byName(name);
  return options;
}

std::vector<std::byte> bitsOf(const std::string &text, const std::vector<Tensor> &inputs,
                              const std::string &target) {
  auto module = parse(text);
  PlanRunner runner(compile(*module, onTarget(target)));
  for (size_t k = 0; k < inputs.size(); ++k) put(runner, "arg" + std::to_string(k), inputs[k]);
  EXPECT_EQ(runner.run("f", 3), "");
  GuardedBuffer &buffer = runner.buffer("result0");
  return {buffer.data(), buffer.data() + buffer.size()};
}

constexpr char kNorm[] = R"(
func.func @f(%x: tensor<2x40x100xf32>, %g: tensor<100xf32>, %b: tensor<100xf32>) -> tensor<100xf32> {{
  %0 = drawloom.gelu %x : tensor<2x40x100xf32>
  {}
  return %s : tensor<100xf32>
}})";
constexpr char kApart[] = R"(
  %o, %m, %r = drawloom.layer_norm %0, %g, %b : (tensor<2x40x100xf32>, tensor<100xf32>, tensor<100xf32>) -> (tensor<2x40x100xf32>, tensor<2x40xf32>, tensor<2x40xf32>)
  %s = drawloom.column_sum %o : (tensor<2x40x100xf32>) -> tensor<100xf32>)";
constexpr char kFused[] = R"(
  %s = drawloom.fusion(%0, %g, %b) : (tensor<2x40x100xf32>, tensor<100xf32>, tensor<100xf32>) -> tensor<100xf32> {
  ^bb0(%a0: tensor<2x40x100xf32>, %a1: tensor<100xf32>, %a2: tensor<100xf32>):
    %o, %m, %r = drawloom.layer_norm %a0, %a1, %a2 : (tensor<2x40x100xf32>, tensor<100xf32>, tensor<100xf32>) -> (tensor<2x40x100xf32>, tensor<2x40xf32>, tensor<2x40xf32>)
    %c = drawloom.column_sum %o : (tensor<2x40x100xf32>) -> tensor<100xf32>
    drawloom.yield %c : tensor<100xf32>
  })";

std::vector<Tensor> normInputs() {
  return {Tensor::random({2, 40, 100}, 1, 3.0), Tensor::random({100}, 2), Tensor::random({100}, 3)};
}

TEST(SameBits, WhateverIsFused) {
  EXPECT_EQ(bitsOf(fmt::format(kNorm, kApart), normInputs(), "native"),
            bitsOf(fmt::format(kNorm, kFused), normInputs(), "native"));
}

TEST(SameBits, OnEveryTarget) {
  if (Target::native().name != "x86-64-v4") GTEST_SKIP() << "this machine runs one target only";
  EXPECT_EQ(bitsOf(fmt::format(kNorm, kFused), normInputs(), "x86-64-v3"),
            bitsOf(fmt::format(kNorm, kFused), normInputs(), "x86-64-v4"));
}

} // namespace
} // namespace drawloom::test
