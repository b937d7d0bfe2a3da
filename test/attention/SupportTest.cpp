// Which inputs each result of compiled attention depends on: exactly those that the pattern's set says.
//
// Sequence b of a batch has its position b changed, the last one has nothing changed; all other inputs are the same. A result that does not
// depend on the change has the same bits as in the last sequence, and one that does has others.
#include "test/attention/Harness.h"
#include "test/attention/Reference.h"
#include <cstring>
#include <gtest/gtest.h>

using namespace drawloom;
using namespace drawloom::test;

namespace {

constexpr int64_t kChannels = 8;

class Support {
public:
  explicit Support(const Problem &p) : p(p), generator(p.n * 131 + p.heads) {
    Pattern pattern = parsePattern(p.pattern);
    keysOf.assign(p.heads * p.n, 0);
    isPair.assign(p.heads * p.n * p.n, 0);
    for (int64_t h = 0; h < p.heads; ++h)
      for (int64_t i = 0; i < p.n; ++i)
        for (int64_t j = 0; j <= i; ++j)
          if (pattern.contains(h, i, j, p.n))
            isPair[(h * p.n + i) * p.n + j] = 1, ++keysOf[h * p.n + i];
    compiled = Compiled::make(attentionModule(p), {.optLevel = 0});
  }

  void check() {
    ASSERT_TRUE(compiled);
    auto q = repeated(), k = repeated(), v = repeated(), dout = repeated();
    auto byKey = compiled->run({q, changed(k), changed(v), dout}), byQuery = compiled->run({changed(q), k, v, changed(dout)});
    int64_t wrong = 0;
    for (int64_t h = 0; h < p.heads; ++h)
      for (int64_t i = 0; i < p.n; ++i)
        for (int64_t j = 0; j < p.n; ++j) {
          bool meets = isPair[(h * p.n + i) * p.n + j];
          // A softmax over one key is constant: its score has no gradient.
          bool hasScoreGradient = meets && keysOf[h * p.n + i] > 1;
          wrong += differs(byKey[kOut], j, h, i) != meets;
          wrong += hasScoreGradient ? !differs(byKey[kDq], j, h, i) : !meets && differs(byKey[kDq], j, h, i);
          wrong += differs(byQuery[kDv], i, h, j) != meets;
          wrong += hasScoreGradient ? !differs(byQuery[kDk], i, h, j) : !meets && differs(byQuery[kDk], i, h, j);
        }
    EXPECT_EQ(wrong, 0) << p.pattern << " n=" << p.n << " heads=" << p.heads;
  }

private:
  enum Result { kOut, kLse, kDq, kDk, kDv };
  int64_t sequenceSize() const { return p.n * p.heads * kChannels; }

  /// One random sequence, once for each of the batch.
  std::vector<float> repeated() {
    auto one = randomVector(sequenceSize(), generator);
    std::vector<float> all;
    for (int64_t b = 0; b < p.batch; ++b)
      all.insert(all.end(), one.begin(), one.end());
    return all;
  }
  /// Position b of sequence b is another.
  std::vector<float> changed(std::vector<float> x) {
    for (int64_t b = 0; b < p.n; ++b) {
      auto other = randomVector(p.heads * kChannels, generator);
      std::copy(other.begin(), other.end(), x.begin() + b * sequenceSize() + b * p.heads * kChannels);
    }
    return x;
  }
  /// Whether head h's `position` in sequence `b` is not as in the last sequence.
  bool differs(const std::vector<float> &x, int64_t b, int64_t h, int64_t position) const {
    auto at = [&](int64_t sequence) { return &x[sequence * sequenceSize() + (position * p.heads + h) * kChannels]; };
    return std::memcmp(at(b), at(p.n), kChannels * sizeof(float)) != 0;
  }

  Problem p;
  std::mt19937 generator;
  std::vector<int64_t> keysOf;
  std::vector<char> isPair; ///< [heads, n, n]
  std::unique_ptr<Compiled> compiled;
};

void expectSupport(const std::string &pattern, int64_t n, int64_t heads) {
  Support({pattern, n + 1, n, heads, kChannels, kChannels}).check();
}

class SupportOfForms : public testing::TestWithParam<int64_t> {};

TEST_P(SupportOfForms, IsThePatternsSet) {
  int64_t l = GetParam();
  std::string extent = std::to_string(l);
  std::mt19937 generator(l);
  auto length = [&] { return std::uniform_int_distribution<int64_t>(1, 300)(generator); };
  for (const char *form : {"local", "column", "block", "strided"})
    expectSupport(std::string(form) + "(" + extent + ")", length(), 1 + int64_t(generator() % 3));
  for (const char *form : {"summary", "fixed"})
    for (int64_t c : {int64_t(1), std::max<int64_t>(1, l / 4), l})
      if (l % c == 0)
        expectSupport(std::string(form) + "(" + extent + ", c=" + std::to_string(c) + ")", length(), 1 + int64_t(generator() % 4));
}
INSTANTIATE_TEST_SUITE_P(Attention, SupportOfForms, testing::Values(1, 3, 16, 48, 96, 128));

TEST(Support, OfDenseIsEveryEarlierKey) {
  for (int64_t n : {1, 2, 65, 131})
    expectSupport("dense", n, 2);
}

TEST(Support, OfSetExpressionsIsTheirSet) {
  for (const char *pattern : {"i + j < 90", "j mod 7 == i mod 5", "heads(local(9), column(5))", "not (i - j < 33)",
                              "heads(dense, summary(20, c=5), i - j >= 30)", "i // 24 == j // 24 + 1"})
    expectSupport(pattern, 107, 3);
}

TEST(Support, OfRandomSetExpressionsIsTheirSet) {
  std::mt19937 generator(77);
  auto pick = [&](int lo, int hi) { return std::to_string(std::uniform_int_distribution<int>(lo, hi)(generator)); };
  for (int round = 0; round < 10; ++round) {
    std::string text;
    for (int part = 0; part < 2; ++part) {
      std::string a = generator() % 2 ? "i - j < " + pick(1, 60) : "j mod " + pick(2, 30) + " < " + pick(1, 5);
      std::string b = generator() % 2 ? "(i - j) mod " + pick(2, 24) + " == 0" : "i // " + pick(3, 50) + " == j // " + pick(3, 50);
      text += (part ? " or " : "") + ("(" + a + (generator() % 2 ? " and " : " and not ") + b + ")");
    }
    expectSupport(text, std::uniform_int_distribution<int64_t>(1, 300)(generator), 2);
  }
}

} // namespace
