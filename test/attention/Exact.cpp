#include "test/attention/Exact.h"
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>

namespace drawloom::test {
namespace {

constexpr double kTolerance = 1e-6;

double norm(const std::vector<double> &x) {
  return std::sqrt(std::inner_product(x.begin(), x.end(), x.begin(), 0.0));
}

/// relativeError of a gradient; one that is zero throughout is compared with the norm of `scale`, and has to
/// be zero if that is.
double gradientError(const std::vector<float> &got, const std::vector<double> &expected,
                     const std::vector<double> &scale) {
  double absolute = relativeError(got, expected); // absolute where `expected` is zero
  return norm(expected) > 0 || norm(scale) == 0 ? absolute : absolute / norm(scale);
}

} // namespace

void expectExact(const Problem &p, const Options &options) {
  SCOPED_TRACE(p.pattern + " n=" + std::to_string(p.n) + " heads=" + std::to_string(p.heads) +
               " d=" + std::to_string(p.dQk) + "/" + std::to_string(p.dV) + " " + options.lowering);
  std::mt19937 generator(p.n * 31 + p.heads);
  auto q = randomVector(p.qSize(), generator), k = randomVector(p.qSize(), generator);
  auto v = randomVector(p.vSize(), generator), dout = randomVector(p.vSize(), generator);
  auto compiled = Compiled::make(attentionModule(p), options);
  ASSERT_TRUE(compiled);
  auto got = compiled->run({q, k, v, dout});
  ASSERT_EQ(got.size(), 5u);
  Reference expected = reference(p, q, k, v, dout);
  EXPECT_LE(relativeError(got[0], expected.out), kTolerance) << "out";
  EXPECT_LE(relativeError(got[1], expected.lse), kTolerance) << "lse";
  // With one key a row, p (dp - delta) vanishes in exact arithmetic, and so do dq and dk: what is left is
  // rounding, which is judged on the scale of dv (the same products without the difference).
  EXPECT_LE(gradientError(got[2], expected.dq, expected.dv), kTolerance) << "dq";
  EXPECT_LE(gradientError(got[3], expected.dk, expected.dv), kTolerance) << "dk";
  EXPECT_LE(relativeError(got[4], expected.dv), kTolerance) << "dv";
}

} // namespace drawloom::test
