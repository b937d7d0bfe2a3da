#include "runtime/device/GemmRate.h"
#include "runtime/abi/Philox.h"
#include "runtime/device/Gemm.h"
#include "runtime/device/Memory.h"
#include "runtime/support/Clock.h"
#include <algorithm>

namespace drawloom {

static constexpr int64_t kSide = 1024;
static constexpr uint64_t kCount = uint64_t(kSide) * kSide;

static float *floats(const Mapping &m) { return reinterpret_cast<float *>(m.data()); }

/// Numbers in (-1, 1).
static void fillNoise(float *values, uint64_t seed) {
  for (uint64_t k = 0; k < kCount; k += 4) {
    auto words = abi::philoxBlock(seed, 0, 0, uint32_t(k / 4));
    for (uint64_t e = 0; e < 4; ++e) values[k + e] = float(words[e]) * 0x1p-31f - 1;
  }
}

double measureGemmGflops(ThreadPool &pool) {
  GemmPlan plan = planGemm(kSide, kSide, kSide);
  Mapping a = Mapping::zeroed(kCount * sizeof(float)), b = Mapping::zeroed(kCount * sizeof(float)),
          c = Mapping::zeroed(kCount * sizeof(float)),
          packed = Mapping::zeroed(plan.scratchFloats * sizeof(float));
  fillNoise(floats(a), 1);
  fillNoise(floats(b), 2);
  GemmArguments g{false,     true,  kSide,     kSide, kSide,     1,    0,
                  floats(a), kSide, floats(b), kSide, floats(c), kSide};
  double best = 0;
  for (int k = 0; k < 6; ++k) { // the first warms up
    Stopwatch watch;
    gemm(pool, g, plan, floats(packed));
    if (k > 0) best = std::max(best, 2.0 * kSide * kSide * kSide / watch.seconds() * 1e-9);
  }
  return best;
}

} // namespace drawloom
