#include "runtime/device/Gemm.h"
#include "runtime/device/ThreadPool.h"
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <vector>

namespace drawloom {
namespace {

struct Problem {
  bool transA, transB;
  int64_t m, n, k;
  float alpha = 1, beta = 0;
};

/// Operands with leading dimensions larger than their rows, C prefilled.
struct Operands {
  explicit Operands(const Problem &p) {
    std::mt19937 random(uint32_t(p.m * 31 + p.n * 7 + p.k));
    std::uniform_real_distribution<float> uniform(-1, 1);
    g = {p.transA, p.transB, p.m, p.n, p.k, p.alpha, p.beta};
    g.lda = (p.transA ? p.m : p.k) + 3;
    g.ldb = (p.transB ? p.k : p.n) + 5;
    g.ldc = p.n + 2;
    a.resize(size_t((p.transA ? p.k : p.m) * g.lda));
    b.resize(size_t((p.transB ? p.n : p.k) * g.ldb));
    c.resize(size_t(p.m * g.ldc));
    for (auto *v : {&a, &b, &c})
      for (float &x : *v) x = uniform(random);
    g.a = a.data(), g.b = b.data(), g.c = c.data();
  }
  float opA(int64_t i, int64_t l) const { return g.transA ? a[l * g.lda + i] : a[i * g.lda + l]; }
  float opB(int64_t l, int64_t j) const { return g.transB ? b[j * g.ldb + l] : b[l * g.ldb + j]; }

  GemmArguments g;
  std::vector<float> a, b, c;
};

/// Relative error in norm against float64; elements between rows must not have changed.
double error(const Operands &before, const Operands &after) {
  double difference = 0, norm = 1e-30;
  auto &g = before.g;
  for (int64_t i = 0; i < g.m; ++i)
    for (int64_t j = 0; j < g.ldc; ++j) {
      double expected = before.c[i * g.ldc + j];
      if (j < g.n) {
        expected = g.beta == 0 ? 0 : g.beta * expected;
        for (int64_t l = 0; l < g.k; ++l) expected += double(g.alpha) * before.opA(i, l) * before.opB(l, j);
      }
      double d = after.c[i * g.ldc + j] - expected;
      difference += d * d, norm += expected * expected;
    }
  return std::sqrt(difference / norm);
}

const Problem kProblems[] = {
    {false, true, 33, 70, 19},          {false, false, 64, 64, 64},          {true, false, 37, 129, 300, 0.5f, 1},
    {true, true, 45, 31, 77, -1, 0.25f}, {false, true, 1, 515, 67},           {false, false, 1, 515, 67, 2, 1},
    {true, false, 1, 300, 40},          {false, true, 515, 1, 67, 1, 1},     {true, false, 515, 1, 67},
    {false, false, 70, 1, 33, 0.5f, 0}, {true, true, 1, 9, 5},               {false, true, 1, 1, 1000},
    {false, true, 3, 700, 256},         {true, false, 257, 131, 513, 1, 1},  {false, true, 700, 300, 100},
};

TEST(Gemm, AgreesWithFloat64) {
  ThreadPool pool(2);
  for (auto &p : kProblems) {
    Operands before(p), after(p);
    gemm(pool, after.g, gemmChunks(p.m, p.n, p.k));
    EXPECT_LT(error(before, after), 1e-6) << p.m << " " << p.n << " " << p.k << " " << p.transA << p.transB;
  }
}

TEST(Gemm, HasTheSameBitsForAnyNumberOfThreads) {
  ThreadPool one(1), two(2), five(5);
  for (auto &p : kProblems) {
    Operands first(p), second(p), third(p);
    auto chunks = gemmChunks(p.m, p.n, p.k);
    gemm(one, first.g, chunks);
    gemm(two, second.g, chunks);
    gemm(five, third.g, chunks);
    EXPECT_EQ(first.c, second.c);
    EXPECT_EQ(first.c, third.c);
  }
}

TEST(Gemm, ChunksCoverEveryShape) {
  for (int64_t m : {1, 2, 7, 31, 32, 33, 100, 257, 2048, 12289})
    for (int64_t n : {1, 3, 32, 65, 256, 1000, 4096})
      for (int64_t k : {1, 64, 1023, 100000}) {
        auto c = gemmChunks(m, n, k);
        EXPECT_GE(c.rows, 1);
        EXPECT_GE(c.columns, 1);
        EXPECT_GE(c.rowChunks * c.rows, m);
        EXPECT_LT((c.rowChunks - 1) * c.rows, m);
        EXPECT_GE(c.columnChunks * c.columns, n);
        EXPECT_LT((c.columnChunks - 1) * c.columns, n);
      }
}

TEST(Gemm, LargeProductsAreSharedAndSmallOnesAreNot) {
  EXPECT_GE(gemmChunks(2048, 256, 256).count(), 4);
  EXPECT_GE(gemmChunks(256, 256, 16384).count(), 4); // a weight gradient: the sum over k is never cut
  EXPECT_GE(gemmChunks(1, 4096, 1024).count(), 4);
  EXPECT_EQ(gemmChunks(16, 16, 16).count(), 1);
}

TEST(Gemm, WithoutBetaWhatWasInCDoesNotMatter) {
  ThreadPool pool(1);
  for (Problem p : {Problem{false, true, 20, 30, 40}, Problem{false, true, 1, 30, 40}, Problem{false, false, 30, 1, 40}}) {
    Operands o(p);
    for (float &x : o.c) x = std::numeric_limits<float>::quiet_NaN();
    gemm(pool, o.g, gemmChunks(p.m, p.n, p.k));
    for (int64_t i = 0; i < p.m; ++i)
      for (int64_t j = 0; j < p.n; ++j) ASSERT_TRUE(std::isfinite(o.c[i * o.g.ldc + j]));
  }
}

} // namespace
} // namespace drawloom
