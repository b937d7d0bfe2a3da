// Products that make attention's delta in passing, on the device: against float64, the product bit by bit
// against one alone, and each run like the first.
#include "test/codegen/OpHarness.h"
#include "test/gpu/LikeInterpreter.h"
#include "test/gpu/OnHopper.h"
#include <fmt/format.h>

namespace drawloom::test {
namespace {

struct Case {
  int64_t batch, n, heads, channels, inner;
  const char *type;
  bool transposeB;
  int64_t columns() const { return heads * channels; }
};

/// @f gives dout = x w and delta of one fusion, then dout of a fusion that is a product alone.
std::string moduleOf(const Case &c) {
  std::string x = tensorType({c.batch, c.n, c.inner}, c.type),
              w = c.transposeB ? tensorType({c.columns(), c.inner}, c.type)
                               : tensorType({c.inner, c.columns()}, c.type),
              rows = tensorType({c.batch, c.n, c.columns()}, c.type),
              delta = tensorType({c.batch, c.heads, c.n});
  return fmt::format(
      R"(
func.func @f(%X: {x}, %W: {w}, %OUT: {rows}) -> ({rows}, {delta}, {rows}) {{
  %r:2 = drawloom.fusion(%X, %W, %OUT) : ({x}, {w}, {rows}) -> ({rows}, {delta}) {{
  ^bb0(%x: {x}, %w: {w}, %out: {rows}):
    %p = drawloom.matmul %x, %w{transpose} : ({x}, {w}) -> {rows}
    %d = drawloom.attention_delta %p, %out {{heads = {heads} : i64}} : ({rows}, {rows}) -> {delta}
    drawloom.yield %p, %d : {rows}, {delta}
  }}
  %s = drawloom.fusion(%X, %W) : ({x}, {w}) -> {rows} {{
  ^bb0(%x: {x}, %w: {w}):
    %p = drawloom.matmul %x, %w{transpose} : ({x}, {w}) -> {rows}
    drawloom.yield %p : {rows}
  }}
  return %r#0, %r#1, %s : {rows}, {delta}, {rows}
}})",
      fmt::arg("x", x), fmt::arg("w", w), fmt::arg("rows", rows), fmt::arg("delta", delta),
      fmt::arg("heads", c.heads), fmt::arg("transpose", c.transposeB ? " {transpose_b}" : ""));
}

using ProductDeltas = OnHopper<Case>;

TEST_P(ProductDeltas, AreLikeFloat64) {
  const Case &c = GetParam();
  auto module = parse(moduleOf(c));
  ASSERT_TRUE(module);
  plan::DType type = this->type();
  double unit = type == plan::DType::BF16 ? 1.0 / 256 : 1.0 / 2048;
  auto random = [&](std::vector<int64_t> shape, uint64_t seed, double scale) {
    Tensor t = Tensor::random(shape, seed, scale);
    for (double &x : t.values) x = roundTo(type, x);
    return t;
  };
  std::vector<int64_t> weight =
      c.transposeB ? std::vector<int64_t>{c.columns(), c.inner} : std::vector<int64_t>{c.inner, c.columns()};
  std::vector<Tensor> inputs = {random({c.batch, c.n, c.inner}, 1, 1.0),
                                random(weight, 2, 2.0 / std::sqrt(double(c.inner))),
                                random({c.batch, c.n, c.columns()}, 3, 1.0)};
  auto bits = expectLikeMeaning(*module, inputs, 3, [&](size_t k, plan::DType) {
    return Judgement{k == 1 ? "delta of a product" : "product with delta", c.type, 2 * unit};
  });
  ASSERT_EQ(bits.size(), 3u);
  EXPECT_EQ(bits[0], bits[2]) << "the product has other bits than alone";
}

std::vector<Case> cases() {
  std::vector<Case> list;
  for (const char *type : {"bf16", "f16"})
    for (bool transposeB : {false, true}) {
      list.push_back({2, 200, 2, 128, 256, type, transposeB}); // a tile that two sequences share
      list.push_back({3, 67, 3, 32, 72, type, transposeB});
    }
  // The models' heads; one row; heads that the last tile lacks; narrow heads; several tiles a group.
  for (auto [batch, n, heads, channels, inner] : std::vector<std::array<int64_t, 5>>{{2, 704, 2, 128, 256},
                                                                                     {1, 320, 16, 32, 512},
                                                                                     {1, 320, 8, 64, 512},
                                                                                     {1, 1, 1, 64, 8},
                                                                                     {2, 150, 5, 32, 64},
                                                                                     {1, 300, 5, 8, 64},
                                                                                     {3, 150, 3, 48, 128},
                                                                                     {5, 4003, 1, 128, 16},
                                                                                     {3, 6001, 2, 64, 8}})
    list.push_back({batch, n, heads, channels, inner, "bf16", false});
  return list;
}

INSTANTIATE_TEST_SUITE_P(All, ProductDeltas, testing::ValuesIn(cases()), [](auto &info) {
  const Case &c = info.param;
  return fmt::format("{}_{}x{}_h{}_d{}_k{}_{}", c.type, c.batch, c.n, c.heads, c.channels, c.inner,
                     c.transposeB ? "nt" : "nn");
});

} // namespace
} // namespace drawloom::test
