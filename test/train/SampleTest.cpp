#include "runtime/abi/Abi.h"
#include "runtime/sample/Choose.h"
#include "runtime/sample/Decoder.h"
#include "runtime/sample/Utf8.h"
#include "runtime/train/InitialWeights.h"
#include "test/train/FakeModel.h"
#include <cmath>
#include <limits>
#include <set>

namespace drawloom::test {
namespace {

/// Share of each index among draws at many evenly spaced uniform numbers, which is the distribution itself.
std::vector<double> shares(std::span<const float> logits, double temperature, int64_t topK) {
  std::vector<double> out(logits.size());
  int draws = 100'000;
  for (int k = 0; k < draws; ++k)
    out[size_t(chooseByte(logits, temperature, topK, (k + 0.5) / draws))] += 1.0 / draws;
  return out;
}

TEST(ChooseTest, DrawsFromTheSoftmax) {
  std::vector<float> logits{float(std::log(1.0)), float(std::log(2.0)), float(std::log(5.0))};
  auto p = shares(logits, 1, 0);
  EXPECT_NEAR(p[0], 1.0 / 8, 1e-4);
  EXPECT_NEAR(p[1], 2.0 / 8, 1e-4);
  EXPECT_NEAR(p[2], 5.0 / 8, 1e-4);
}

TEST(ChooseTest, TemperatureDividesTheLogits) {
  std::vector<float> logits{0, float(std::log(4.0))};
  EXPECT_NEAR(shares(logits, 2, 0)[1], 2.0 / 3, 1e-4);
  EXPECT_NEAR(shares(logits, 0.5, 0)[1], 16.0 / 17, 1e-4);
}

TEST(ChooseTest, TemperatureZeroTakesTheLargest) {
  std::vector<float> logits{1, 3, 2};
  for (double u : {0.0, 0.5, 0.999999}) EXPECT_EQ(chooseByte(logits, 0, 0, u), 1);
}

TEST(ChooseTest, TopKKeepsTheLargestAndRenormalizes) {
  std::vector<float> logits{float(std::log(1.0)), float(std::log(3.0)), float(std::log(2.0)),
                            float(std::log(6.0))};
  auto p = shares(logits, 1, 2);
  EXPECT_EQ(p[0], 0);
  EXPECT_EQ(p[2], 0);
  EXPECT_NEAR(p[1], 1.0 / 3, 1e-4);
  EXPECT_NEAR(p[3], 2.0 / 3, 1e-4);
}

TEST(ChooseTest, TopKOfEqualLogitsTakesTheSmallerIndices) {
  std::vector<float> logits{1, 1, 1, 1};
  auto p = shares(logits, 1, 2);
  EXPECT_NEAR(p[0], 0.5, 1e-4);
  EXPECT_NEAR(p[1], 0.5, 1e-4);
}

TEST(ChooseTest, TopKBeyondTheVocabularyKeepsAll) {
  std::vector<float> logits{1, 1};
  EXPECT_NEAR(shares(logits, 1, 100)[1], 0.5, 1e-4);
}

TEST(ChooseTest, HugeLogitsAndTinyTemperaturesDoNotOverflow) {
  std::vector<float> logits{3e38f, -3e38f, 2.9e38f};
  EXPECT_EQ(chooseByte(logits, 1e-300, 0, 0.999999), 0);
}

TEST(ChooseTest, ANonFiniteLogitIsAnError) {
  std::vector<float> logits{0, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_NE(errorOf(kFailed, [&] { chooseByte(logits, 1, 0, 0.5); }).find("byte 1 is nan"),
            std::string::npos);
}

TEST(ChooseTest, UniformNumbersAreUniformAndDifferByPositionRowAndSeed) {
  double sum = 0;
  std::set<double> seen;
  for (uint64_t position = 0; position < 2000; ++position) {
    double u = sampleUniform(1, position, 0);
    EXPECT_TRUE(u >= 0 && u < 1);
    sum += u;
    seen.insert({u, sampleUniform(1, position, 1), sampleUniform(2, position, 0)});
  }
  EXPECT_NEAR(sum / 2000, 0.5, 0.03);
  EXPECT_EQ(seen.size(), 6000u);
}

TEST(Utf8Test, CharactersComeWholeAsSoonAsTheyAreWhole) {
  Utf8Stream s;
  EXPECT_EQ(s.add('a'), "a");
  EXPECT_EQ(s.add(0xE2), "");
  EXPECT_EQ(s.add(0x82), "");
  EXPECT_EQ(s.add(0xAC), "€");
  EXPECT_EQ(s.finish(), "");
}

TEST(Utf8Test, BadBytesBecomeReplacementCharacters) {
  EXPECT_EQ(displayText("a\xffz"), "a\uFFFDz");
  EXPECT_EQ(displayText("\x80"), "\uFFFD");
  EXPECT_EQ(displayText("\xe2\x82z"), "\uFFFDz");        // cut short by another character
  EXPECT_EQ(displayText("\xe2\xe2\x82\xac"), "\uFFFD€"); // cut short by a first byte
  EXPECT_EQ(displayText("\xf0\x9f\x98"), "\uFFFD");      // cut short by the end
}

TEST(Utf8Test, OverlongFormsSurrogatesAndTooLargeOnesAreBad) {
  for (std::string bad : {"\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80"})
    EXPECT_EQ(displayText(bad).substr(0, 3), "\uFFFD") << bad;
}

TEST(Utf8Test, ValidTextOfEveryLengthPassesUnchanged) {
  std::string text = "aé€😀\x7f\xdf\xbf\xef\xbf\xbf\xf4\x8f\xbf\xbf";
  EXPECT_EQ(displayText(text), text);
}

TEST(DrawTextTest, FeedsTheStartSymbolThePromptAndItsOwnBytes) {
  FakeModel m({.n = 10});
  initializeWeights(m.parameters(), 1);
  auto text = drawText(m, 10, {"ab"}, 3, {});
  ASSERT_EQ(text[0].size(), 3u);
  std::vector<int32_t> expected{256, 'a', 'b', uint8_t(text[0][0]), uint8_t(text[0][1])};
  EXPECT_EQ(m.fed, expected);
}

TEST(DrawTextTest, ClearsTheCachesFirst) {
  FakeModel m({.n = 10});
  drawText(m, 10, {""}, 3, {});
  drawText(m, 10, {""}, 3, {});
  EXPECT_EQ(m.cleared, 2);
}

TEST(DrawTextTest, StopsWhenTheContextIsFull) {
  FakeModel m({.n = 10});
  EXPECT_EQ(drawText(m, 10, {"abcd"}, 0, {})[0].size(), 6u);
  EXPECT_EQ(drawText(m, 10, {"abcd"}, 100, {})[0].size(), 6u);
  EXPECT_LE(m.fed.size(), 10u);
}

TEST(DrawTextTest, APromptThatFillsTheContextIsAUsageError) {
  FakeModel m({.n = 4});
  EXPECT_NE(errorOf(kUsage, [&] { drawText(m, 4, {"abcd"}, 0, {}); }).find("at most 3"), std::string::npos);
}

TEST(DrawTextTest, TheSameSeedDrawsTheSameTextAndAnotherAnother) {
  FakeModel m({.n = 50});
  initializeWeights(m.parameters(), 1);
  auto a = drawText(m, 50, {""}, 0, {.seed = 1});
  EXPECT_EQ(a, drawText(m, 50, {""}, 0, {.seed = 1}));
  EXPECT_NE(a, drawText(m, 50, {""}, 0, {.seed = 2}));
}

TEST(DrawTextTest, ASampleDoesNotDependOnItsNeighbours) {
  FakeModel one({.n = 20}), three({.n = 20, .sampleBatch = 3});
  initializeWeights(one.parameters(), 1);
  initializeWeights(three.parameters(), 1);
  auto together = drawText(three, 20, std::vector<std::string>(3, "x"), 0, {.seed = 5});
  for (uint64_t k = 0; k < 3; ++k)
    EXPECT_EQ(drawText(one, 20, {"x"}, 0, {.seed = 5, .firstRow = k})[0], together[k]);
}

TEST(DrawTextTest, DrawnBytesHaveTheModelsFrequencies) {
  // A model whose next byte is 'a' or 'b' with odds 3 : 1 whatever came before.
  FakeModel m({.n = 4000});
  for (float &b : m.parameters()[1].value) b = -100;
  m.parameters()[1].value['a'] = float(std::log(3.0));
  m.parameters()[1].value['b'] = 0;
  std::string text = drawText(m, 4000, {""}, 0, {.seed = 3})[0];
  double a = double(std::count(text.begin(), text.end(), 'a'));
  EXPECT_EQ(a + double(std::count(text.begin(), text.end(), 'b')), 4000);
  EXPECT_NEAR(a / 4000, 0.75, 4 * std::sqrt(0.75 * 0.25 / 4000));
}

TEST(DecoderTest, GivesTheLogitsOfTheTeacherForcedModel) {
  FakeModel m({.n = 6, .batch = 1});
  initializeWeights(m.parameters(), 2);
  Decoder d(m, 6, 1);
  int32_t tokens[] = {256, 'h', 'i'}, next[] = {'h', 'i', '!'};
  std::vector<double> nll;
  for (int t = 0; t < 3; ++t) {
    auto logits = d.advance(std::span(&tokens[t], 1));
    double sum = 0;
    for (float x : logits) sum += std::exp(double(x));
    nll.push_back(std::log(sum) - double(logits[size_t(next[t])]));
  }
  auto in = m.view<int32_t>("tokens", 6), targets = m.view<int32_t>("targets", 6);
  std::copy(tokens, tokens + 3, in.begin());
  std::copy(next, next + 3, targets.begin());
  m.run("evaluate");
  for (size_t t = 0; t < 3; ++t) EXPECT_NEAR(m.view<float>("nll", 6)[t], nll[t], 1e-5);
}

} // namespace
} // namespace drawloom::test
