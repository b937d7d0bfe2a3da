// Decoding one position after the other gives what attention gives for the whole sequence.
#include "test/attention/Harness.h"
#include "test/attention/Reference.h"
#include <gtest/gtest.h>

using namespace drawloom;
using namespace drawloom::test;

namespace {

std::string decodeModule(const Problem &p) {
  auto tensor = [&](int64_t rows, int64_t channels) {
    return "tensor<" + std::to_string(p.batch) + "x" + std::to_string(rows) + "x" + std::to_string(channels) + "xf32>";
  };
  std::string q = tensor(1, p.heads * p.dQk), v = tensor(1, p.heads * p.dV);
  std::string kCache = tensor(p.n, p.heads * p.dQk), vCache = tensor(p.n, p.heads * p.dV);
  return "func.func @main(%q: " + q + ", %k: " + q + ", %v: " + v + ", %kc: " + kCache + ", %vc: " + vCache +
         ", %position: tensor<1xi64>) -> (" + v + ", " + kCache + ", " + vCache + ") {\n" +
         "  %out, %nk, %nv = drawloom.attention_decode %q, %k, %v, %kc, %vc at %position {pattern = #drawloom.pattern<\"" + p.pattern +
         "\">, heads = " + std::to_string(p.heads) + " : i64, scale = " + std::to_string(p.scale()) + " : f64} : (" + q + ", " + q + ", " +
         v + ", " + kCache + ", " + vCache + ", tensor<1xi64>) -> (" + v + ", " + kCache + ", " + vCache + ")\n" +
         "  return %out, %nk, %nv : " + v + ", " + kCache + ", " + vCache + "\n}\n";
}

std::vector<std::byte> bytes(const void *data, size_t size) {
  auto *p = static_cast<const std::byte *>(data);
  return {p, p + size};
}
std::vector<std::byte> bytes(const std::vector<float> &x) { return bytes(x.data(), x.size() * sizeof(float)); }

/// Row `position` of every sequence of a [batch, n, width] tensor.
std::vector<float> rowsAt(const std::vector<float> &x, int64_t batch, int64_t n, int64_t position) {
  int64_t width = x.size() / (batch * n);
  std::vector<float> rows;
  for (int64_t b = 0; b < batch; ++b)
    rows.insert(rows.end(), x.begin() + (b * n + position) * width, x.begin() + (b * n + position + 1) * width);
  return rows;
}

void expectAttentionRowByRow(const char *pattern, const Options &options) {
  Problem p{pattern, 2, 53, 3, 16, 8};
  std::mt19937 generator(2);
  auto q = randomVector(p.qSize(), generator), k = randomVector(p.qSize(), generator), v = randomVector(p.vSize(), generator);
  Reference expected = reference(p, q, k, v, {});
  auto compiled = Compiled::make(decodeModule(p), options);
  ASSERT_TRUE(compiled);
  // What the cache holds beyond the position must not matter.
  std::vector<float> kCache(p.qSize(), std::numeric_limits<float>::quiet_NaN()), vCache(p.vSize(), kCache[0]);
  std::vector<float> out(p.vSize());
  for (int64_t position = 0; position < p.n; ++position) {
    auto got = compiled->runBytes({bytes(rowsAt(q, p.batch, p.n, position)), bytes(rowsAt(k, p.batch, p.n, position)),
                                   bytes(rowsAt(v, p.batch, p.n, position)), bytes(kCache), bytes(vCache), bytes(&position, 8)});
    int64_t width = p.heads * p.dV;
    for (int64_t b = 0; b < p.batch; ++b)
      std::copy_n(got[0].begin() + b * width, width, out.begin() + (b * p.n + position) * width);
    kCache = got[1], vCache = got[2];
  }
  EXPECT_LE(relativeError(out, expected.out), 1e-6);
  EXPECT_EQ(kCache, k);
  EXPECT_EQ(vCache, v);
}

class Decode : public testing::TestWithParam<const char *> {};

TEST_P(Decode, GivesAttentionRowByRow) { expectAttentionRowByRow(GetParam(), {.optLevel = 0}); }
INSTANTIATE_TEST_SUITE_P(Attention, Decode,
                         testing::Values("local(9)", "strided(8)", "fixed(16, c=4)", "summary(12, c=3)", "block(20)", "dense",
                                         "heads(local(5), column(7), summary(12, c=4))", "i + j < 60", "(i - j) mod 6 == 1"));

TEST(BlockDecode, GivesAttentionRowByRow) {
  for (const char *pattern : {"strided(8)", "heads(local(5), column(7), summary(12, c=4))", "i + j < 60"})
    expectAttentionRowByRow(pattern, {.lowering = "target=sm_90a", .tiles = "drawloom-distribute-tiles{takes-turns}", .optLevel = 0});
}

} // namespace
