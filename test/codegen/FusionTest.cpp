// Fusions, compiled, against the float64 interpreter: loops that share values, strided operands, in-place
// updates.
#include "runtime/abi/Abi.h"
#include "test/codegen/OpHarness.h"
#include <cmath>
#include <fmt/format.h>

namespace drawloom::test {
namespace {

struct Shape {
  int64_t batch, n, d;
};

class Fusion : public testing::TestWithParam<Shape> {
protected:
  Shape s = GetParam();
  std::string rows = tensorType({s.batch, s.n, s.d}), vector = tensorType({s.d}),
              scalars = tensorType({s.batch, s.n});
  Tensor random(uint64_t seed, double scale = 2.0) {
    return Tensor::random({s.batch, s.n, s.d}, seed, scale);
  }
  Tensor randomVector(uint64_t seed) { return Tensor::random({s.d}, seed); }
  Tensor rng = Tensor::ofIntegers({2}, {77, 5});
};

INSTANTIATE_TEST_SUITE_P(Shapes, Fusion,
                         testing::Values(Shape{1, 1, 2}, Shape{1, 3, 5}, Shape{2, 70, 96}, Shape{1, 130, 257},
                                         Shape{1, 300, 20}),
                         [](auto &info) {
                           return fmt::format("B{}N{}D{}", info.param.batch, info.param.n, info.param.d);
                         });

// The end of a residual block and the beginning of the next: one pass over a row makes the sum and its normal
// form.
TEST_P(Fusion, BiasDropoutResidualLayerNorm) {
  expectLikeInterpreter(fmt::format(R"(
func.func @f(%y: {0}, %bias: {1}, %x: {0}, %g: {1}, %b: {1}, %rng: tensor<2xi64>) -> ({0}, {0}, {2}, {2}) {{
  %r:4 = drawloom.fusion(%y, %bias, %x, %g, %b, %rng) : ({0}, {1}, {0}, {1}, {1}, tensor<2xi64>) -> ({0}, {0}, {2}, {2}) {{
  ^bb0(%a0: {0}, %a1: {1}, %a2: {0}, %a3: {1}, %a4: {1}, %a5: tensor<2xi64>):
    %0 = drawloom.bias_add %a0, %a1 : ({0}, {1}) -> {0}
    %1 = drawloom.dropout %0, %a5 {{rate = 0.25 : f64, site = 9 : i64}} : ({0}, tensor<2xi64>) -> {0}
    %2 = drawloom.add %a2, %1 : {0}
    %o, %mean, %rstd = drawloom.layer_norm %2, %a3, %a4 : ({0}, {1}, {1}) -> ({0}, {2}, {2})
    drawloom.yield %2, %o, %mean, %rstd : {0}, {0}, {2}, {2}
  }}
  return %r#0, %r#1, %r#2, %r#3 : {0}, {0}, {2}, {2}
}})",
                                    rows, vector, scalars),
                        {random(1), randomVector(2), random(3), randomVector(4), randomVector(5), rng});
}

// The sum is not a result here, so later loops find it on the stack.
TEST_P(Fusion, LayerNormOfASumThatIsNotStored) {
  expectLikeInterpreter(fmt::format(R"(
func.func @f(%x: {0}, %y: {0}, %g: {1}, %b: {1}) -> {0} {{
  %r = drawloom.fusion(%x, %y, %g, %b) : ({0}, {0}, {1}, {1}) -> {0} {{
  ^bb0(%a0: {0}, %a1: {0}, %a2: {1}, %a3: {1}):
    %0 = drawloom.add %a0, %a1 : {0}
    %1 = drawloom.gelu %0 : {0}
    %o, %mean, %rstd = drawloom.layer_norm %1, %a2, %a3 : ({0}, {1}, {1}) -> ({0}, {2}, {2})
    drawloom.yield %o : {0}
  }}
  return %r : {0}
}})",
                                    rows, vector, scalars),
                        {random(1), random(2), randomVector(3), randomVector(4)});
}

// A row that is too long for the stack: later loops compute the sum again.
TEST(LongRows, AreNotKeptOnTheStack) {
  std::string rows = tensorType({1, 2, 140000}), vector = tensorType({140000}), scalars = tensorType({1, 2});
  expectLikeInterpreter(fmt::format(R"(
func.func @f(%x: {0}, %y: {0}, %g: {1}, %b: {1}) -> {0} {{
  %r = drawloom.fusion(%x, %y, %g, %b) : ({0}, {0}, {1}, {1}) -> {0} {{
  ^bb0(%a0: {0}, %a1: {0}, %a2: {1}, %a3: {1}):
    %0 = drawloom.add %a0, %a1 : {0}
    %o, %mean, %rstd = drawloom.layer_norm %0, %a2, %a3 : ({0}, {1}, {1}) -> ({0}, {2}, {2})
    drawloom.yield %o : {0}
  }}
  return %r : {0}
}})",
                                    rows, vector, scalars),
                        {Tensor::random({1, 2, 140000}, 1), Tensor::random({1, 2, 140000}, 2),
                         Tensor::random({140000}, 3), Tensor::random({140000}, 4)});
}

TEST_P(Fusion, BackwardWithColumnSums) {
  Tensor mean = Tensor::random({s.batch, s.n}, 4, 0.1), rstd = Tensor::full({s.batch, s.n}, 1.25);
  expectLikeInterpreter(fmt::format(R"(
func.func @f(%d: {0}, %x: {0}, %g: {1}, %mean: {2}, %rstd: {2}, %res: {0}, %rng: tensor<2xi64>, %init: {1}) -> ({0}, {0}, {1}, {1}, {1}) {{
  %r:5 = drawloom.fusion(%d, %x, %g, %mean, %rstd, %res, %rng, %init) : ({0}, {0}, {1}, {2}, {2}, {0}, tensor<2xi64>, {1}) -> ({0}, {0}, {1}, {1}, {1}) {{
  ^bb0(%a0: {0}, %a1: {0}, %a2: {1}, %a3: {2}, %a4: {2}, %a5: {0}, %a6: tensor<2xi64>, %a7: {1}):
    %dx, %dg, %db = drawloom.layer_norm_grad %a0, %a1, %a2, %a3, %a4 : ({0}, {0}, {1}, {2}, {2}) -> ({0}, {1}, {1})
    %s = drawloom.add %dx, %a5 : {0}
    %m = drawloom.dropout %s, %a6 {{rate = 0.1 : f64, site = 2 : i64}} : ({0}, tensor<2xi64>) -> {0}
    %c = drawloom.column_sum %m init %a7 : ({0}, {1}) -> {1}
    drawloom.yield %s, %m, %dg, %db, %c : {0}, {0}, {1}, {1}, {1}
  }}
  return %r#0, %r#1, %r#2, %r#3, %r#4 : {0}, {0}, {1}, {1}, {1}
}})",
                                    rows, vector, scalars),
                        {random(1), random(2), randomVector(3), mean, rstd, random(5), rng, randomVector(6)});
}

TEST_P(Fusion, LossAndItsGradientShareTheExponentials) {
  expectLikeInterpreter(fmt::format(R"(
func.func @f(%x: {0}, %bias: {1}, %t: {3}, %w: {2}) -> ({2}, {0}) {{
  %r:2 = drawloom.fusion(%x, %bias, %t, %w) : ({0}, {1}, {3}, {2}) -> ({2}, {0}) {{
  ^bb0(%a0: {0}, %a1: {1}, %a2: {3}, %a3: {2}):
    %0 = drawloom.bias_add %a0, %a1 : ({0}, {1}) -> {0}
    %nll = drawloom.cross_entropy %0, %a2 : ({0}, {3}) -> {2}
    %d = drawloom.cross_entropy_grad %a3, %0, %a2 : ({2}, {0}, {3}) -> {0}
    drawloom.yield %nll, %d : {2}, {0}
  }}
  return %r#0, %r#1 : {2}, {0}
}})",
                                    rows, vector, scalars, tensorType({s.batch, s.n}, "i32")),
                        {random(1, 5.0), randomVector(2), Tensor::randomIntegers({s.batch, s.n}, 3, s.d),
                         Tensor::random({s.batch, s.n}, 4)});
}

// The parts of a split and of a concat are rows of something wider.
TEST_P(Fusion, StridedOperandsAndResults) {
  std::string wide = tensorType({s.batch, s.n, 3 * s.d}), two = tensorType({s.batch, s.n, 2 * s.d});
  expectLikeInterpreter(fmt::format(R"(
func.func @f(%w: {1}, %y: {0}) -> ({2}, {0}) {{
  %p:3 = drawloom.split %w : ({1}) -> ({0}, {0}, {0})
  %a = drawloom.add %p#0, %p#2 : {0}
  %b = drawloom.gelu_grad %y, %p#1 : {0}
  %c = drawloom.concat %a, %b : ({0}, {0}) -> {2}
  %s = drawloom.gelu %p#1 : {0}
  return %c, %s : {2}, {0}
}})",
                                    rows, wide, two),
                        {Tensor::random({s.batch, s.n, 3 * s.d}, 1), random(2)});
}

//===-- updates -----------------------------------------------------------------------------------===//

Tensor hyper(double clip, double gradScale = 1, bool skip = false) {
  Tensor h = Tensor::zeros({abi::kHyperCount});
  h.values[abi::kLearningRate] = 0.01;
  h.values[abi::kBeta1] = 0.9;
  h.values[abi::kBeta2] = 0.999;
  h.values[abi::kEpsilon] = 1e-8;
  h.values[abi::kWeightDecay] = 0.1;
  h.values[abi::kBiasCorrection1] = 1 - std::pow(0.9, 3);
  h.values[abi::kBiasCorrection2] = 1 - std::pow(0.999, 3);
  h.values[abi::kClipNorm] = clip;
  h.values[abi::kEmaDecay] = 0.99;
  h.values[abi::kGradScale] = gradScale;
  h.values[abi::kSkipNonFinite] = skip;
  return h;
}

std::string updateText(const std::string &type, bool decay) {
  return fmt::format(R"(
func.func @f(%p: {0}, %g: {0}, %m: {0}, %v: {0}, %e: {0}, %norm: tensor<1xf32>, %h: tensor<16xf32>) -> ({0}, {0}, {0}, {0}, {0}) {{
  %r:5 = drawloom.fusion(%p, %g, %m, %v, %e, %norm, %h) : ({0}, {0}, {0}, {0}, {0}, tensor<1xf32>, tensor<16xf32>) -> ({0}, {0}, {0}, {0}, {0}) {{
  ^bb0(%a0: {0}, %a1: {0}, %a2: {0}, %a3: {0}, %a4: {0}, %a5: tensor<1xf32>, %a6: tensor<16xf32>):
    %u:4 = drawloom.adam %a0, %a1, %a2, %a3, %a5, %a6 {1} : ({0}, {0}, {0}, {0}, tensor<1xf32>, tensor<16xf32>) -> ({0}, {0}, {0}, {0})
    %n = drawloom.ema %a4, %u#0, %a5, %a6 : ({0}, {0}, tensor<1xf32>, tensor<16xf32>) -> {0}
    drawloom.yield %u#0, %u#1, %u#2, %u#3, %n : {0}, {0}, {0}, {0}, {0}
  }}
  return %r#0, %r#1, %r#2, %r#3, %r#4 : {0}, {0}, {0}, {0}, {0}
}})",
                     type, decay ? "{decay}" : "");
}

class Update : public testing::TestWithParam<std::vector<int64_t>> {
protected:
  std::vector<Tensor> inputs(double norm, double clip) {
    auto shape = GetParam();
    Tensor v = Tensor::random(shape, 4);
    for (double &x : v.values) x = x * x;
    return {Tensor::random(shape, 1),
            Tensor::random(shape, 2),
            Tensor::random(shape, 3),
            v,
            Tensor::random(shape, 5),
            Tensor::of({1}, {norm}),
            hyper(clip)};
  }
};

INSTANTIATE_TEST_SUITE_P(Shapes, Update,
                         testing::Values(std::vector<int64_t>{1}, std::vector<int64_t>{300},
                                         std::vector<int64_t>{33, 130}, std::vector<int64_t>{64, 128},
                                         std::vector<int64_t>{7, 3, 211}));

TEST_P(Update, AdamAndMovingAverage) {
  expectLikeInterpreter(updateText(tensorType(GetParam()), true), inputs(2.5, 1.0));
}

TEST_P(Update, WithoutClippingOrDecay) {
  expectLikeInterpreter(updateText(tensorType(GetParam()), false), inputs(2.5, 0.0));
}

TEST_P(Update, ANormThatIsNotFiniteChangesNothing) {
  auto given = inputs(std::numeric_limits<double>::quiet_NaN(), 1.0);
  expectLikeInterpreter(updateText(tensorType(GetParam()), true), given, {.tolerance = 0});
}

TEST_P(Update, GradientsOfAScaledLossAreUnscaledBeforeTheyAreClipped) {
  auto given = inputs(2.5, 1.0);
  given.back() = hyper(1.0, 0x1p-10);
  given[5].values[0] *= 0x1p10;
  for (double &g : given[1].values) g *= 0x1p10;
  expectLikeInterpreter(updateText(tensorType(GetParam()), true), given);
}

TEST_P(Update, ASkippedStepZeroesTheGradientsAlone) {
  auto given = inputs(std::numeric_limits<double>::infinity(), 1.0);
  given.back() = hyper(1.0, 0x1p-10, /*skip=*/true);
  expectLikeInterpreter(updateText(tensorType(GetParam()), true), given, {.tolerance = 0});
}

} // namespace
} // namespace drawloom::test
