// Compiled attention, forward and backward, against its definition in float64.
#include "test/attention/Harness.h"
#include "test/attention/Reference.h"
#include <gtest/gtest.h>

using namespace drawloom;
using namespace drawloom::test;

namespace {

constexpr double kTolerance = 1e-6;

void expectExact(const Problem &p, const Options &options = {}) {
  SCOPED_TRACE(p.pattern + " n=" + std::to_string(p.n) + " heads=" + std::to_string(p.heads) + " d=" + std::to_string(p.dQk) + "/" +
               std::to_string(p.dV) + " " + options.lowering);
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
  EXPECT_LE(relativeError(got[2], expected.dq), kTolerance) << "dq";
  EXPECT_LE(relativeError(got[3], expected.dk), kTolerance) << "dk";
  EXPECT_LE(relativeError(got[4], expected.dv), kTolerance) << "dv";
}

class NamedForms : public testing::TestWithParam<const char *> {};

TEST_P(NamedForms, AgreeWithTheDefinitionForEveryLength) {
  for (int64_t n : {1, 7, 100, 129, 300})
    expectExact({GetParam(), 2, n, 4, 16, 16});
}
INSTANTIATE_TEST_SUITE_P(Attention, NamedForms,
                         testing::Values("local(16)", "local(128)", "column(16)", "column(48)", "block(48)", "block(128)", "summary(16, c=4)",
                                         "summary(48, c=3)", "strided(16)", "fixed(16, c=4)", "fixed(128, c=32)", "dense"));

} // namespace
