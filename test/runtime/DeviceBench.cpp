// Prints what the CPU device achieves: latency of the thread pool, and GFLOP/s of products by shape for one
// BLAS call and for ours on one thread (processor time), and on all threads (wall-clock time, on an idle
// machine only). The sizes in runtime/device/Gemm.cpp are fitted to it.
#include "runtime/device/Gemm.h"
#include "runtime/device/GemmKernel.h"
#include "runtime/device/Memory.h"
#include "runtime/device/ThreadPool.h"
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <ctime>
#include <fmt/format.h>
#include <vector>

using namespace drawloom;

static double seconds(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

// On one thread its own processor time counts, which other processes hardly disturb.
static constexpr clockid_t kOwnTime = CLOCK_THREAD_CPUTIME_ID, kWallTime = CLOCK_MONOTONIC;

/// Seconds of the fastest of several calls.
template <class F> static double fastest(clockid_t clock, F &&f) {
  double best = 1e9, total = 0;
  for (int i = 0; i < 50 && (i < 3 || total < 0.4); ++i) {
    double t = seconds(clock);
    f();
    t = seconds(clock) - t;
    best = std::min(best, t), total += t;
  }
  return best;
}

struct Shape {
  const char *what;
  bool transA, transB;
  int64_t m, n, k;
};

static const Shape kShapes[] = {
    {"qkv, d 256", false, true, 2048, 768, 256},
    {"projection, d 256", false, true, 2048, 256, 256},
    {"ff1, d 256", false, true, 2048, 1024, 256},
    {"ff2, d 256", false, true, 2048, 256, 1024},
    {"input gradient", false, false, 2048, 256, 768},
    {"weight gradient", true, false, 768, 256, 2048},
    {"weight gradient", true, false, 256, 1024, 8192},
    {"weight gradient", true, false, 256, 256, 16384},
    {"qkv, d 512", false, true, 12288, 1536, 512},
    {"weight gradient", true, false, 2048, 512, 12288},
    {"logits", false, true, 8192, 256, 512},
    {"ragged", false, true, 1999, 251, 257},
    {"decode", false, true, 1, 768, 256},
    {"decode, d 512", false, true, 1, 2048, 512},
    {"decode batch 4", false, true, 4, 1024, 256},
    {"decode batch 16", false, true, 16, 1024, 256},
    {"tiny", false, true, 64, 64, 64},
};

static void benchGemm(ThreadPool &one, ThreadPool &all, float *scratch, const Shape &s) {
  std::vector<float> a(size_t(s.m * s.k)), b(size_t(s.n * s.k)), c(size_t(s.m * s.n));
  for (auto *v : {&a, &b})
    for (float &x : *v) x = float(std::rand()) * 1e-9f;
  GemmArguments g{
      s.transA, s.transB, s.m, s.n, s.k, 1, 0, a.data(), s.transA ? s.m : s.k, b.data(), s.transB ? s.k : s.n,
      c.data(), s.n};
  GemmPlan whole; // one call of BLAS
  whole.rows = s.m, whole.columns = s.n;
  auto plan = planGemm(s.m, s.n, s.k);
  double blas = fastest(kOwnTime, [&] { gemm(one, g, whole, nullptr); });
  double single = fastest(kOwnTime, [&] { gemm(one, g, plan, scratch); });
  double wall = fastest(kWallTime, [&] { gemm(one, g, plan, scratch); });
  double shared = fastest(kWallTime, [&] { gemm(all, g, plan, scratch); });
  double gflop = 2e-9 * double(s.m) * double(s.n) * double(s.k);
  fmt::print("{:18} {:6} {:5} {:6}  {:>7} {:4}x{:<4}  {:6.1f} {:6.1f} {:6.1f}   {:.2f}\n", s.what, s.m, s.n,
             s.k, plan.kernel ? fmt::format("{}x{}", plan.kernel->rows, plan.kernel->columns) : "BLAS",
             plan.rows, plan.columns, gflop / blas, gflop / single, gflop / shared, wall / shared);
}

static void benchPool(ThreadPool &pool) {
  std::atomic<uint64_t> sink{0};
  double job = fastest(kWallTime, [&] {
    for (int i = 0; i < 1000; ++i)
      pool.parallelFor(16, 1,
                       [&](uint64_t begin, uint64_t) { sink.fetch_add(begin, std::memory_order_relaxed); });
  });
  fmt::print("thread pool: {} threads, {:.2f} us a job of 16 empty items\n\n", pool.threads(), job * 1e3);
}

int main(int argc, char **argv) {
  ThreadPool one(1), all(argc > 1 ? std::atoi(argv[1]) : availableCores());
  benchPool(all);
  fmt::print("{:18} {:>6} {:>5} {:>6}  {:>7} {:>9}  {:>6} {:>6} {:>6}   {}\n", "GFLOP/s", "m", "n", "k",
             "kernel", "item", "BLAS", "1 thr.", fmt::format("{} thr.", all.threads()), "scaling");
  auto scratch = Mapping::zeroed(4 << 20);
  for (auto &s : kShapes) benchGemm(one, all, reinterpret_cast<float *>(scratch.data()), s);
}
