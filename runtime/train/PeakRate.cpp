#include "runtime/train/PeakRate.h"
#include "runtime/support/Clock.h"
#include <algorithm>
#include <thread>
#include <vector>

namespace drawloom {

namespace {

constexpr int kChains = 12; // independent chains: more than latency (4-5 cycles) times units (2)
constexpr double kSeconds = 0.02;

/// `rounds` times kChains vectors of Width floats, x = x a + b. The compiler keeps the chains in registers.
template <int Width> [[gnu::always_inline]] inline float chains(long rounds) {
#pragma clang fp contract(fast)
  typedef float Vector __attribute__((vector_size(Width * 4)));
  Vector a = Vector{} + 0.999f, b = Vector{} + 0.001f, x[kChains];
  for (int k = 0; k < kChains; ++k) x[k] = Vector{} + float(k);
  for (long r = 0; r < rounds; ++r)
#pragma clang loop unroll(full)
    for (int k = 0; k < kChains; ++k) x[k] = x[k] * a + b;
  Vector sum{};
  for (auto &v : x) sum += v;
  float total = 0;
  for (int k = 0; k < Width; ++k) total += sum[k];
  return total;
}

#if defined(__x86_64__)
[[gnu::target("avx512f")]] float chains512(long rounds) { return chains<16>(rounds); }
[[gnu::target("avx2,fma")]] float chains256(long rounds) { return chains<8>(rounds); }
#endif
float chains128(long rounds) { return chains<4>(rounds); }

struct Kernel {
  float (*run)(long);
  int width;
};

Kernel widest() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return {chains512, 16};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return {chains256, 8};
#endif
  return {chains128, 4};
}

/// GFLOP/s of one thread, the best of several short runs (the first ones see a low clock).
double bestOfThread(Kernel kernel) {
  constexpr long rounds = 100'000;
  double best = 0;
  volatile float sink = 0;
  for (Stopwatch all; all.seconds() < 2 * kSeconds;) {
    Stopwatch one;
    sink = sink + kernel.run(rounds);
    best = std::max(best, 2.0 * kChains * kernel.width * double(rounds) / double(one.nanoseconds()));
  }
  return best;
}

} // namespace

double measurePeakGflops(int threads) {
  std::vector<double> rates(size_t(std::max(1, threads)));
  std::vector<std::thread> pool;
  for (double &rate : rates) pool.emplace_back([&rate] { rate = bestOfThread(widest()); });
  for (auto &t : pool) t.join();
  double sum = 0;
  for (double r : rates) sum += r;
  return sum;
}

} // namespace drawloom
