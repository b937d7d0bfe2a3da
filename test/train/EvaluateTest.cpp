#include "runtime/train/Evaluate.h"
#include "runtime/train/Commands.h"
#include "runtime/train/InitialWeights.h"
#include "test/train/FakeModel.h"
#include <cmath>
#include <cstring>
#include <numbers>

namespace drawloom::test {
namespace {

TEST(EvaluationWindowsTest, WithoutContextTheyTileThePart) {
  auto w = evaluationWindows({100, 130}, 10, 0, 0);
  EXPECT_EQ(w, (std::vector<EvalWindow>{{100, 0, 10}, {110, 0, 10}, {120, 0, 10}}));
}

TEST(EvaluationWindowsTest, ARaggedEndMovesTheLastWindowBack) {
  auto w = evaluationWindows({0, 25}, 10, 0, 0);
  EXPECT_EQ(w.back(), (EvalWindow{15, 5, 10}));
}

TEST(EvaluationWindowsTest, APartShorterThanAWindowGivesOne) {
  EXPECT_EQ(evaluationWindows({7, 10}, 10, 1, 0), (std::vector<EvalWindow>{{7, 1, 3}}));
}

TEST(EvaluationWindowsTest, EveryByteIsCountedOnceWithEnoughContextInsideThePart) {
  for (uint64_t size : {1, 5, 9, 10, 11, 23, 100})
    for (uint64_t n : {1, 4, 10})
      for (uint64_t context = 0; context < n && context < size; ++context) {
        std::vector<int> counted(size);
        for (auto &w : evaluationWindows({1000, 1000 + size}, n, context, 0)) {
          EXPECT_GE(w.start, 1000u);
          EXPECT_LE(w.last, n);
          for (uint64_t t = w.first; t < w.last; ++t) {
            EXPECT_GE(t, context);
            ++counted.at(w.start + t - 1000);
          }
        }
        for (uint64_t b = 0; b < size; ++b)
          EXPECT_EQ(counted[b], b >= context) << size << " " << n << " " << context;
      }
}

TEST(EvaluationWindowsTest, ALimitSpreadsWindowsEvenly) {
  auto w = evaluationWindows({0, 1000}, 10, 0, 45);
  ASSERT_EQ(w.size(), 5u);
  for (size_t k = 0; k < 5; ++k) EXPECT_EQ(w[k].start, 200 * k);
}

TEST(EvaluationWindowsTest, FixedWindowsCountEachImageBehindTheLeastContext) {
  auto w = evaluationWindows({100, 130}, 10, 3, 0, Windows::Fixed);
  EXPECT_EQ(w, (std::vector<EvalWindow>{{100, 3, 10}, {110, 3, 10}, {120, 3, 10}}));
  EXPECT_EQ(evaluationWindows({0, 1000}, 10, 0, 30, Windows::Fixed).size(), 3u);
}

TEST(EvaluationWindowsTest, NothingToCountIsAnError) {
  errorOf(kBadInput, [] { evaluationWindows({5, 5}, 10, 0, 0); });
  errorOf(kBadInput, [] { evaluationWindows({0, 5}, 10, 5, 0); });
  errorOf(kUsage, [] { evaluationWindows({0, 50}, 10, 10, 0); });
}

TEST(SummarizeTest, IsARatioOfSumsNotAMeanOfRatios) {
  double ln2 = std::numbers::ln2;
  auto r = summarize({{3 * ln2 * 10, 10}, {1 * ln2 * 30, 30}});
  EXPECT_DOUBLE_EQ(r.bitsPerByte, 60.0 / 40);
  EXPECT_EQ(r.bytes, 40u);
  EXPECT_EQ(r.windows, 2u);
  // Residuals 30 - 15 = 15 and 30 - 45 = -15; sqrt(2/1 (225 + 225)) / 40.
  EXPECT_NEAR(*r.standardError, 30.0 / 40, 1e-12);
}

TEST(SummarizeTest, EqualWindowsGiveTheUsualStandardErrorOfAMean) {
  std::vector<WindowLoss> w;
  std::vector<double> means{1.0, 1.5, 2.0, 2.5};
  for (double m : means) w.push_back({m * 8 * std::numbers::ln2, 8});
  double sd = std::sqrt((0.5625 + 0.0625 + 0.0625 + 0.5625) / 3);
  EXPECT_NEAR(*summarize(w).standardError, sd / 2, 1e-12);
}

TEST(SummarizeTest, OneWindowHasNoStandardError) { EXPECT_FALSE(summarize({{1, 10}}).standardError); }

TEST(EvaluateTest, GivesTheModelsMeanLossOverTheCountedBytes) {
  FakeModel m({.n = 8, .batch = 3});
  initializeWeights(m.parameters(), 4);
  std::string text = someText(60);
  std::span<const uint8_t> bytes{reinterpret_cast<const uint8_t *>(text.data()), text.size()};
  auto windows = evaluationWindows({10, 55}, 8, 3, 0); // 9 windows: three batches
  auto r = *evaluate(m, FlatData("text", {}, bytes), windows, 8, 3);
  double nats = 0;
  for (size_t at = 13; at < 55;
       ++at) { // a bigram model needs one byte of context, which each counted byte has
    auto p = m.parameters();
    double sum = 0;
    auto logit = [&](int v) {
      return double(p[0].value[size_t(bytes[at - 1]) * 256 + size_t(v)]) + double(p[1].value[size_t(v)]);
    };
    for (int v = 0; v < 256; ++v) sum += std::exp(logit(v));
    nats += std::log(sum) - logit(bytes[at]);
  }
  EXPECT_EQ(r.bytes, 42u);
  EXPECT_NEAR(r.bitsPerByte, nats / 42 / std::numbers::ln2, 1e-6);
}

TEST(EvaluateTest, StopsBetweenBatchesWhenCancelled) {
  FakeModel m({.n = 8, .batch = 1});
  std::string text = someText(60);
  std::span<const uint8_t> bytes{reinterpret_cast<const uint8_t *>(text.data()), text.size()};
  int batches = 0;
  m.after = [&](std::string_view) { ++batches; };
  EXPECT_FALSE(evaluate(m, FlatData("text", {}, bytes), evaluationWindows({0, 60}, 8, 0, 0), 8, 1,
                        [&] { return batches == 2; }));
  EXPECT_EQ(batches, 2);
}

TEST(EmaInPlaceTest, SwapsAndRestoresExactly) {
  FakeModel m({});
  initializeWeights(m.parameters(), 4);
  auto before = m.all();
  float value = m.parameters()[0].value[0], ema = m.parameters()[0].ema[0];
  ASSERT_NE(value, ema);
  {
    EmaInPlace guard(m);
    EXPECT_EQ(m.parameters()[0].value[0], ema);
    EXPECT_EQ(m.parameters()[0].ema[0], value);
  }
  EXPECT_EQ(m.all(), before);
}

} // namespace
} // namespace drawloom::test
