#include "runtime/device/Gemm.h"
#include "runtime/device/GemmKernel.h"
#include "runtime/device/Memory.h"
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
    {false, true, 33, 70, 19},
    {false, false, 64, 64, 64},
    {true, false, 37, 129, 300, 0.5f, 1},
    {true, true, 45, 31, 77, -1, 0.25f},
    {false, true, 1, 515, 67},
    {false, false, 1, 515, 67, 2, 1},
    {true, false, 1, 300, 40},
    {false, true, 515, 1, 67, 1, 1},
    {true, false, 515, 1, 67},
    {false, false, 70, 1, 33, 0.5f, 0},
    {true, true, 1, 9, 5},
    {false, true, 1, 1, 1000},
    {false, true, 3, 700, 256},
    {true, false, 257, 131, 513, 1, 1},
    {false, true, 700, 300, 100},
};

/// How a product may be computed here: by BLAS, and by each of our kernels that the processor has.
std::vector<const GemmKernel *> ways() {
  std::vector<const GemmKernel *> ways{nullptr};
  for (auto *k = gemmKernels(); *k; ++k) ways.push_back(*k);
  return ways;
}

void run(ThreadPool &pool, Operands &o, const GemmPlan &plan) {
  auto scratch = Mapping::zeroed(plan.scratchFloats * sizeof(float));
  gemm(pool, o.g, plan, reinterpret_cast<float *>(scratch.data()));
}

TEST(Gemm, AgreesWithFloat64) {
  ThreadPool pool(2);
  for (auto *way : ways())
    for (auto &p : kProblems) {
      Operands before(p), after(p);
      run(pool, after, planGemm(p.m, p.n, p.k, way));
      EXPECT_LT(error(before, after), 1e-6) << p.m << " " << p.n << " " << p.k << " " << p.transA << p.transB;
    }
}

TEST(Gemm, HasTheSameBitsForAnyNumberOfThreads) {
  ThreadPool one(1), two(2), five(5);
  for (auto *way : ways())
    for (auto &p : kProblems) {
      Operands first(p), second(p), third(p);
      auto plan = planGemm(p.m, p.n, p.k, way);
      run(one, first, plan);
      run(two, second, plan);
      run(five, third, plan);
      EXPECT_EQ(first.c, second.c);
      EXPECT_EQ(first.c, third.c);
    }
}

TEST(Gemm, KernelsOfAllInstructionSetsGiveTheSameBits) {
  ThreadPool pool(1);
  auto all = ways();
  if (all.size() < 3) GTEST_SKIP() << "this processor runs fewer than two kernels";
  for (auto &p : kProblems) {
    Operands first(p), second(p);
    run(pool, first, planGemm(p.m, p.n, p.k, all[1]));
    run(pool, second, planGemm(p.m, p.n, p.k, all[2]));
    EXPECT_EQ(first.c, second.c) << p.m << " " << p.n << " " << p.k;
  }
}

TEST(Gemm, BitsOfARowDoNotDependOnTheOthers) {
  if (!gemmKernel()) GTEST_SKIP() << "no kernel for this processor";
  ThreadPool pool(2);
  Operands all({false, true, 200, 90, 700}), part = all;
  part.g.a = part.a.data() + 50 * part.g.lda, part.g.b = part.b.data(),
  part.g.c = part.c.data() + 50 * part.g.ldc;
  part.g.m = 31;
  run(pool, all, planGemm(200, 90, 700, gemmKernel()));
  run(pool, part, planGemm(31, 90, 700, gemmKernel()));
  for (int64_t i = 50; i < 81; ++i)
    for (int64_t j = 0; j < 90; ++j) ASSERT_EQ(all.c[i * all.g.ldc + j], part.c[i * part.g.ldc + j]);
}

TEST(Gemm, PackingIsBoundedForEveryShape) {
  for (auto *way : ways())
    for (int64_t m : {1, 2, 7, 33, 100, 257, 2048, 12289})
      for (int64_t n : {1, 3, 32, 65, 256, 1000, 4096, 50000})
        for (int64_t k : {1, 64, 1023, 100000}) {
          auto p = planGemm(m, n, k, way);
          EXPECT_GE(p.rows, 1);
          EXPECT_GE(p.columns, 1);
          EXPECT_LE(p.scratchFloats, 1u << 20);
          if (!way) continue;
          EXPECT_EQ(p.rows % way->rows, 0);
          EXPECT_EQ(p.bandColumns % p.columns == 0 || p.bandColumns >= n, true);
          EXPECT_LE(p.depth, 512);
        }
}

TEST(Gemm, BandsAndRoundsJoin) {
  // More columns than a band has, and more depth than is packed at a time.
  ThreadPool pool(2);
  for (Problem p :
       {Problem{false, true, 30, 4500, 40, 0.5f, 2}, Problem{true, false, 25, 2100, 3000, 1, 1}}) {
    Operands before(p), after(p);
    auto plan = planGemm(p.m, p.n, p.k);
    if (plan.kernel) EXPECT_TRUE(plan.bandColumns < p.n);
    run(pool, after, plan);
    EXPECT_LT(error(before, after), 1e-6);
  }
}

TEST(Gemm, WithoutAPlanMakesItsOwn) {
  ThreadPool pool(2);
  Operands planned(kProblems[0]), own(kProblems[0]);
  run(pool, planned, planGemm(planned.g.m, planned.g.n, planned.g.k));
  gemm(pool, own.g);
  EXPECT_EQ(planned.c, own.c);
}

TEST(Gemm, SlimProductsGoToBlas) {
  EXPECT_EQ(planGemm(1, 4096, 1024).kernel, nullptr);
  EXPECT_EQ(planGemm(16, 1024, 256).kernel, nullptr);
  EXPECT_EQ(planGemm(64, 64, 64).kernel, gemmKernel());
  EXPECT_LT(planGemm(1, 4096, 1024).columns, 1024);
}

TEST(Gemm, WithoutBetaWhatWasInCDoesNotMatter) {
  ThreadPool pool(1);
  for (auto *way : ways())
    for (Problem p : {Problem{false, true, 20, 30, 40}, Problem{false, true, 1, 30, 40},
                      Problem{false, false, 30, 1, 40}}) {
      Operands o(p);
      for (float &x : o.c) x = std::numeric_limits<float>::quiet_NaN();
      run(pool, o, planGemm(p.m, p.n, p.k, way));
      for (int64_t i = 0; i < p.m; ++i)
        for (int64_t j = 0; j < p.n; ++j) ASSERT_TRUE(std::isfinite(o.c[i * o.g.ldc + j]));
    }
}

} // namespace
} // namespace drawloom
