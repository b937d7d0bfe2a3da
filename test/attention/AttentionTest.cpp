// Compiled attention, forward and backward, against its definition in float64.
#include "test/attention/Exact.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace drawloom;
using namespace drawloom::test;

namespace {

constexpr double kTolerance = 1e-6;

/// Sweeps care about the tile loops, not about LLVM's optimizer.
Options quick(std::string lowering = "") { return {.lowering = std::move(lowering), .optLevel = 0}; }

class NamedForms : public testing::TestWithParam<const char *> {};

TEST_P(NamedForms, AgreeWithTheDefinitionForEveryLength) {
  for (int64_t n : {1, 7, 129})
    expectExact({GetParam(), n < 100 ? 2 : 1, n, 4, 16, 16}, quick());
}
INSTANTIATE_TEST_SUITE_P(Attention, NamedForms,
                         testing::Values("local(1)", "local(16)", "local(128)", "column(3)", "column(16)", "column(48)", "block(48)",
                                         "block(128)", "summary(16, c=4)", "summary(48, c=3)", "strided(16)", "fixed(16, c=4)",
                                         "fixed(96, c=32)", "dense"));

TEST(Attention, IsExactOptimizedToo) {
  for (const char *pattern : {"fixed(48, c=8)", "strided(96)", "dense"})
    expectExact({pattern, 2, 300, 2, 32, 32}, {.verifyEach = true});
}

TEST(Attention, TakesAnyHeadDimension) {
  for (auto [dQk, dV] : {std::pair<int64_t, int64_t>{8, 24}, {40, 8}, {64, 128}, {72, 72}, {12, 5}, {256, 256}})
    expectExact({"strided(16)", 1, 70, 2, dQk, dV}, quick());
}

TEST(Attention, TakesAnyFormula) {
  for (const char *pattern :
       {"i + j < 90", "j mod 7 == i mod 5", "i - j < 20 and (i + 2 * j) mod 3 != 0", "i - j == 40 or i // 2 == j", "heads(local(9), column(5))",
        "heads(dense, summary(20, c=5), i - j >= 30)", "not (i - j < 33)", "(i - j) mod 16 == 3", "i // 24 == j // 24 + 1"})
    expectExact({pattern, 1, 130, 3, 16, 16}, quick());
}

/// A formula drawn at random: conjunctions and disjunctions of a few kinds of comparisons.
std::string randomFormula(std::mt19937 &generator) {
  auto pick = [&](int lo, int hi) { return std::to_string(std::uniform_int_distribution<int>(lo, hi)(generator)); };
  auto atom = [&]() -> std::string {
    switch (std::uniform_int_distribution<int>(0, 5)(generator)) {
    case 0: return "i - j < " + pick(1, 80);
    case 1: return "i - j >= " + pick(0, 60);
    case 2: return "(i - j) mod " + pick(2, 20) + " == " + pick(0, 1);
    case 3: return "j mod " + pick(5, 30) + " < " + pick(1, 6);
    case 4: return "i // " + pick(3, 40) + " == j // " + pick(3, 40);
    default: return "(" + pick(1, 4) + " * i + " + pick(1, 4) + " * j + h) mod " + pick(2, 9) + " < " + pick(1, 4);
    }
  };
  std::string text = atom();
  for (int k = std::uniform_int_distribution<int>(0, 2)(generator); k > 0; --k)
    text = "(" + text + (generator() % 2 ? ") and (" : ") or (") + atom() + ")";
  return text;
}

TEST(Attention, TakesRandomFormulas) {
  std::mt19937 generator(20);
  for (int i = 0; i < 8; ++i)
    expectExact({randomFormula(generator), 1, std::uniform_int_distribution<int>(1, 140)(generator), 2, 8, 8}, quick());
}

TEST(Attention, IsExactWithEveryTileSize) {
  for (const char *lowering : {"query-tile=8 key-tile=8", "query-tile=16 key-tile=24", "query-tile=128 key-tile=16", "query-tile=4 key-tile=64"})
    expectExact({"fixed(48, c=16)", 1, 150, 1, 16, 16}, quick(lowering));
}

TEST(Attention, GradientsAreExactWhoeverOwnsThem) {
  for (const char *pattern : {"strided(24)", "summary(24, c=4)", "i + j < 99"})
    for (const char *lowering : {"min-items=1", "min-items=1000000"})
      expectExact({pattern, 1, 100, 1, 16, 8}, quick(lowering));
}

/// out, lse, dq, dk and dv of random inputs.
std::vector<std::vector<float>> results(const Problem &p, const Options &options, int parts = 1) {
  std::mt19937 generator(7);
  auto q = randomVector(p.qSize(), generator), k = randomVector(p.qSize(), generator);
  auto v = randomVector(p.vSize(), generator), dout = randomVector(p.vSize(), generator);
  auto compiled = Compiled::make(attentionModule(p), options);
  return compiled ? compiled->run({q, k, v, dout}, parts) : std::vector<std::vector<float>>();
}

TEST(Attention, HasTheSameBitsForEveryPartitionOfTheGrid) {
  Problem p{"strided(24)", 2, 90, 2, 16, 16};
  for (const char *lowering : {"min-items=1", "min-items=1000000"}) {
    std::mt19937 generator(7);
    auto q = randomVector(p.qSize(), generator), k = randomVector(p.qSize(), generator);
    auto v = randomVector(p.vSize(), generator), dout = randomVector(p.vSize(), generator);
    auto compiled = Compiled::make(attentionModule(p), quick(lowering));
    ASSERT_TRUE(compiled);
    auto whole = compiled->run({q, k, v, dout}, 1);
    EXPECT_EQ(whole, compiled->run({q, k, v, dout}, 3));
    EXPECT_EQ(whole, compiled->run({q, k, v, dout}, 17));
  }
}

/// Several tiles of queries a slice: whoever begins in the middle gathers keys and values anew.
TEST(Attention, KeepsSlicesForWhoeverMeetsThem) {
  for (const char *pattern : {"column(3)", "block(48)", "heads(column(2), i // 40 == j // 40 and i - j >= 5)"}) {
    Problem p{pattern, 2, 107, 2, 16, 24};
    const Options options = quick("query-tile=8 key-tile=16 min-items=1");
    expectExact(p, options);
    std::mt19937 generator(8);
    auto q = randomVector(p.qSize(), generator), k = randomVector(p.qSize(), generator);
    auto v = randomVector(p.vSize(), generator), dout = randomVector(p.vSize(), generator);
    auto compiled = Compiled::make(attentionModule(p), options);
    ASSERT_TRUE(compiled);
    auto whole = compiled->run({q, k, v, dout}, 1);
    EXPECT_EQ(whole, compiled->run({q, k, v, dout}, 3));
    EXPECT_EQ(whole, compiled->run({q, k, v, dout}, 17));
  }
}

/// Rows that begin lines, rows that do not, and rows that are no whole lines.
TEST(Attention, WritesTheSameBitsPastTheCaches) {
  for (auto [dQk, dV] : {std::pair<int64_t, int64_t>{16, 32}, {16, 8}, {24, 16}}) {
    Problem p{"fixed(24, c=8)", 2, 90, 2, dQk, dV};
    EXPECT_EQ(results(p, quick()), results(p, quick("cache-bytes=0"))) << dQk << ", " << dV;
    expectExact({"column(3)", 1, 70, 2, dQk, dV}, quick("cache-bytes=0"));
  }
}

TEST(Attention, HasTheSameBitsForEveryVectorWidth) {
  Problem p{"fixed(24, c=8)", 1, 90, 2, 24, 16};
  auto wide = results(p, {.optLevel = 0});
  EXPECT_EQ(wide, results(p, {.vectors = "vector-width=8 registers=16", .optLevel = 0}));
  EXPECT_EQ(wide, results(p, {.vectors = "vector-width=4 registers=16", .target = "x86-64-v3", .optLevel = 2}));
}

TEST(Attention, ReadsAndWritesPartsOfLargerTensors) {
  Problem p{"strided(16)", 2, 50, 2, 16, 8};
  std::mt19937 generator(3);
  int64_t width = p.heads * (2 * p.dQk + p.dV), rows = p.batch * p.n, qk = p.heads * p.dQk, vWidth = p.heads * p.dV;
  auto qkv = randomVector(rows * width, generator), dout = randomVector(p.vSize(), generator);
  auto part = [&](const std::vector<float> &whole, int64_t first, int64_t count) {
    std::vector<float> result;
    for (int64_t r = 0; r < rows; ++r)
      result.insert(result.end(), whole.begin() + r * width + first, whole.begin() + r * width + first + count);
    return result;
  };
  auto packed = Compiled::make(attentionModule(p, /*isPacked=*/true), quick());
  auto apart = Compiled::make(attentionModule(p), quick());
  ASSERT_TRUE(packed && apart);
  auto got = packed->run({qkv, dout});
  auto expected = apart->run({part(qkv, 0, qk), part(qkv, qk, qk), part(qkv, 2 * qk, vWidth), dout});
  EXPECT_EQ(got[0], expected[0]);
  EXPECT_EQ(got[1], expected[1]);
  EXPECT_EQ(part(got[2], 0, qk), expected[2]);
  EXPECT_EQ(part(got[2], qk, qk), expected[3]);
  EXPECT_EQ(part(got[2], 2 * qk, vWidth), expected[4]);
}

TEST(Attention, KeepsLargeScoresFinite) {
  Problem p{"local(20)", 1, 60, 1, 16, 16};
  std::mt19937 generator(5);
  auto q = randomVector(p.qSize(), generator, 30.0f), k = randomVector(p.qSize(), generator, 30.0f);
  auto v = randomVector(p.vSize(), generator), dout = randomVector(p.vSize(), generator);
  auto compiled = Compiled::make(attentionModule(p), quick());
  ASSERT_TRUE(compiled);
  auto got = compiled->run({q, k, v, dout});
  Reference expected = reference(p, q, k, v, dout);
  // Scores near 10^4 have errors near 10^-3, which their exponentials carry on.
  EXPECT_LE(relativeError(got[0], expected.out), 1e-3);
  EXPECT_LE(relativeError(got[1], expected.lse), kTolerance);
}

TEST(Attention, LetsNaNReachTheResults) {
  Problem p{"local(20)", 1, 40, 1, 16, 16};
  std::mt19937 generator(5);
  auto q = randomVector(p.qSize(), generator), k = randomVector(p.qSize(), generator);
  auto v = randomVector(p.vSize(), generator), dout = randomVector(p.vSize(), generator);
  k[10 * 16] = std::numeric_limits<float>::quiet_NaN();
  auto compiled = Compiled::make(attentionModule(p), quick());
  ASSERT_TRUE(compiled);
  auto got = compiled->run({q, k, v, dout});
  for (int64_t i = 0; i < p.n; ++i)
    EXPECT_EQ(std::isnan(got[0][i * 16]), i >= 10 && i < 30) << "row " << i;
}

} // namespace
