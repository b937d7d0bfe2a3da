// How fast the products of a model run on the card: a line each, "m n k types transpositions microseconds
// TFLOP/s".
#include "runtime/cuda/Noise.h"
#include "runtime/cuda/Products.h"
#include "runtime/support/Clock.h"
#include "runtime/support/Error.h"
#include <cmath>
#include <cstdio>

using namespace drawloom;
using namespace drawloom::cuda;

namespace {

DeviceBuffer onCard(const Card &card, plan::DType type, uint64_t count, uint64_t seed) {
  auto numbers = noise(type, count, seed);
  DeviceBuffer buffer(card.driver, numbers.size());
  check(card.driver,
        card.driver.memcpyHtoDAsync(buffer.address(), numbers.data(), numbers.size(), card.stream), "copy");
  card.synchronize();
  return buffer;
}

struct Case {
  const char *name;
  uint64_t m, n, k;
  bool transA, transB, accumulate;
  plan::DType factor, result;
};

void time(const Card &card, Products &products, const Case &c) {
  ProductShape s{.a = c.factor, .b = c.factor, .c = c.result, .transA = c.transA, .transB = c.transB};
  s.accumulate = c.accumulate, s.m = c.m, s.n = c.n, s.k = c.k;
  s.lda = c.transA ? c.m : c.k, s.ldb = c.transB ? c.k : c.n, s.ldc = c.n;
  DeviceBuffer a = onCard(card, c.factor, c.m * c.k, 1), b = onCard(card, c.factor, c.n * c.k, 2),
               out = onCard(card, c.result, c.m * c.n, 3);
  Stopwatch tuning;
  Product p = products.prepare(s, a.address(), b.address(), out.address(), 1, c.accumulate ? 1 : 0);
  double tuned = tuning.seconds(), best = INFINITY;
  for (int round = 0; round < 10; ++round) {
    Event start(card.driver), end(card.driver);
    start.record(card.stream);
    for (int k = 0; k < 5; ++k) products.run(p);
    end.record(card.stream);
    card.synchronize();
    best = std::min(best, end.secondsSince(start) / 5);
  }
  std::printf("%-14s %6lu %6lu %6lu %s->%s %c%c%s  %8.1f us  %6.1f TFLOP/s  (chosen in %.1f ms)\n", c.name,
              c.m, c.n, c.k, plan::EnumNameDType(c.factor), plan::EnumNameDType(c.result),
              c.transA ? 't' : 'n', c.transB ? 't' : 'n', c.accumulate ? "+" : " ", best * 1e6,
              2.0 * double(c.m) * double(c.n) * double(c.k) / best * 1e-12, tuned * 1e3);
}

int run() {
  Card card(machineDriver());
  const BlasLt &library = machineBlasLt();
  Products products(card, library, "");
  std::printf("%s, cuBLASLt %zu of %s\n", card.facts.name.c_str(), library.getVersion(),
              library.path.c_str());
  constexpr auto bf16 = plan::DType::BF16, f32 = plan::DType::F32;
  constexpr uint64_t tokens = 49152, d = 512, inner = 2048; // the enwik8 model, batch 4
  const Case cases[] = {
      {"qkv", tokens, 3 * d, d, false, true, false, bf16, bf16},
      {"proj", tokens, d, d, false, true, false, bf16, bf16},
      {"ff1", tokens, inner, d, false, true, false, bf16, bf16},
      {"ff2", tokens, d, inner, false, true, false, bf16, bf16},
      {"qkv dx", tokens, d, 3 * d, false, false, false, bf16, bf16},
      {"proj dx", tokens, d, d, false, false, false, bf16, bf16},
      {"ff1 dx", tokens, d, inner, false, false, false, bf16, bf16},
      {"ff2 dx", tokens, inner, d, false, false, false, bf16, bf16},
      {"qkv dw", 3 * d, d, tokens, true, false, true, bf16, f32},
      {"proj dw", d, d, tokens, true, false, true, bf16, f32},
      {"ff1 dw", inner, d, tokens, true, false, true, bf16, f32},
      {"ff2 dw", d, inner, tokens, true, false, true, bf16, f32},
      {"out", tokens, 256, d, false, true, false, bf16, bf16},
      {"ff1 f32", tokens, inner, d, false, true, false, f32, f32},
      {"square", 8192, 8192, 8192, false, true, false, bf16, bf16},
  };
  for (const Case &c : cases) time(card, products, c);
  return 0;
}

} // namespace

int main() {
  try {
    return run();
  } catch (const Error &e) {
    std::fprintf(stderr, "error: %s\n", e.text().c_str());
    return e.exitCode;
  }
}
