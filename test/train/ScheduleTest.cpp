#include "runtime/train/Schedule.h"
#include "runtime/abi/Abi.h"
#include "runtime/train/InitialWeights.h"
#include "test/train/FakeModel.h"
#include <cmath>

namespace drawloom::test {
namespace {

TrainSpec::Train settings() {
  TrainSpec::Train t;
  t.lr = 2e-3;
  t.warmup = 10;
  return t;
}

TEST(ScheduleTest, WarmsUpLinearlyFromOneStepsShare) {
  auto t = settings();
  EXPECT_DOUBLE_EQ(learningRate(t, 0, 110), 2e-4);
  EXPECT_DOUBLE_EQ(learningRate(t, 4, 110), 1e-3);
  EXPECT_DOUBLE_EQ(learningRate(t, 9, 110), 2e-3);
}

TEST(ScheduleTest, FallsAsACosineToZero) {
  auto t = settings();
  EXPECT_DOUBLE_EQ(learningRate(t, 10, 110), 2e-3);
  EXPECT_NEAR(learningRate(t, 60, 110), 1e-3, 1e-15);
  EXPECT_NEAR(learningRate(t, 35, 110), 2e-3 * (0.5 + std::sqrt(0.125)), 1e-12);
  EXPECT_NEAR(learningRate(t, 110, 110), 0, 1e-15);
}

TEST(ScheduleTest, ConstantStaysAfterWarmUp) {
  auto t = settings();
  t.schedule = "constant";
  EXPECT_DOUBLE_EQ(learningRate(t, 5, 110), 1.2e-3);
  EXPECT_DOUBLE_EQ(learningRate(t, 100, 110), 2e-3);
}

TEST(ScheduleTest, WarmUpLongerThanTheRunAndNoneAreFine) {
  auto t = settings();
  EXPECT_DOUBLE_EQ(learningRate(t, 4, 5), 1e-3);
  t.warmup = 0;
  EXPECT_DOUBLE_EQ(learningRate(t, 0, 100), 2e-3);
}

TEST(ScheduleTest, EmaDecayRampsUpAndZeroTurnsItOff) {
  EXPECT_EQ(emaDecay(0, 100), 0);
  EXPECT_DOUBLE_EQ(emaDecay(0.999, 0), 2.0 / 11);
  EXPECT_DOUBLE_EQ(emaDecay(0.999, 1'000'000), 0.999);
  EXPECT_LT(emaDecay(0.999, 100), 0.93);
}

TEST(ScheduleTest, HyperHoldsEveryNumberInItsPlace) {
  auto t = settings();
  t.weightDecay = 0.01;
  t.clip = 1.5;
  std::vector<float> h(abi::kHyperCount, 9);
  fillHyper(t, 2, 110, h);
  EXPECT_FLOAT_EQ(h[abi::kLearningRate], 6e-4f);
  EXPECT_FLOAT_EQ(h[abi::kBeta1], 0.9f);
  EXPECT_FLOAT_EQ(h[abi::kBeta2], 0.999f);
  EXPECT_FLOAT_EQ(h[abi::kEpsilon], 1e-8f);
  EXPECT_FLOAT_EQ(h[abi::kWeightDecay], 0.01f);
  EXPECT_FLOAT_EQ(h[abi::kBiasCorrection1], 1 - 0.9f * 0.9f * 0.9f);
  EXPECT_FLOAT_EQ(h[abi::kBiasCorrection2], float(1 - std::pow(0.999, 3)));
  EXPECT_FLOAT_EQ(h[abi::kClipNorm], 1.5f);
  EXPECT_EQ(h[abi::kEmaDecay], 0);
  EXPECT_EQ(h[abi::kGradScale], 1);
  EXPECT_EQ(h[abi::kSkipNonFinite], 0);
  EXPECT_EQ(h[15], 0);
}

TEST(InitialWeightsTest, HaveTheParametersDistribution) {
  FakeModel m({});
  initializeWeights(m.parameters(), 1);
  auto w = m.parameters()[0].value;
  double sum = 0, squares = 0, fourth = 0;
  for (float x : w) {
    sum += x;
    squares += double(x) * x;
    fourth += std::pow(double(x), 4);
  }
  double n = double(w.size()), variance = squares / n;
  EXPECT_NEAR(sum / n, 0, 4 * 0.1 / std::sqrt(n));
  EXPECT_NEAR(std::sqrt(variance), 0.1, 0.001);
  EXPECT_NEAR(fourth / n / (variance * variance), 3, 0.15); // a normal distribution's kurtosis
  for (float x : m.parameters()[1].value) EXPECT_EQ(x, 0);
}

TEST(InitialWeightsTest, AreAFunctionOfTheSeed) {
  FakeModel a({}), b({}), c({});
  initializeWeights(a.parameters(), 1);
  initializeWeights(b.parameters(), 1);
  initializeWeights(c.parameters(), 2);
  EXPECT_EQ(a.all(), b.all());
  EXPECT_NE(a.all(), c.all());
}

TEST(InitialWeightsTest, AreTheSameForAnyNumberOfThreads) {
  std::vector<float> small(5), large((size_t(1) << 17) + 3);
  ParameterRef a, b;
  a.value = small, a.init = plan::Init::Ones;
  b.value = large, b.init = plan::Init::Normal, b.stddev = 0.5;
  initializeWeights({a, b}, 7, 1);
  auto alone = large;
  std::ranges::fill(large, 0.0f);
  initializeWeights({a, b}, 7, 5);
  EXPECT_EQ(large, alone);
  EXPECT_NE(large.back(), 0) << "the odd element at the end";
  EXPECT_EQ(small, std::vector<float>(5, 1.0f));
}

TEST(InitialWeightsTest, ResettingStartsAveragesAtTheValues) {
  FakeModel m({});
  initializeWeights(m.parameters(), 1);
  resetOptimizer(m);
  const auto &p = m.parameters()[0];
  EXPECT_TRUE(std::equal(p.value.begin(), p.value.end(), p.ema.begin()));
}

} // namespace
} // namespace drawloom::test
