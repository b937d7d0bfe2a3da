// Gradients of weights and biases in one kernel, on the device: against float64, and each run like the first.
#include "test/codegen/OpHarness.h"
#include "test/gpu/LikeInterpreter.h"
#include "test/gpu/OnHopper.h"
#include <fmt/format.h>

namespace drawloom::test {
namespace {

/// dW [outputs, inputs] from dY [rows, outputs] and X [rows, inputs].
struct Case {
  int64_t rows, outputs, inputs;
  const char *type;
  bool sums, adds; ///< with the bias's gradient; both on top of earlier ones
};

std::string moduleOf(const Case &c) {
  std::string dy = tensorType({2, c.rows, c.outputs}, c.type), x = tensorType({2, c.rows, c.inputs}, c.type),
              w = tensorType({c.outputs, c.inputs}), b = tensorType({c.outputs});
  std::string results = c.sums ? w + ", " + b : w;
  auto init = [&](const char *name) { return c.adds ? std::string(" init ") + name : std::string(); };
  auto typeOf = [&](const std::string &type) { return c.adds ? ", " + type : std::string(); };
  std::string sum =
      fmt::format("    %s = drawloom.column_sum %dy{} : ({}{}) -> {}\n", init("%b"), dy, typeOf(b), b);
  return fmt::format(
      R"(
func.func @f(%DY: {dy}, %X: {x}, %W: {w}, %B: {b}) -> ({results}) {{
  %r:{count} = drawloom.fusion(%DY, %X, %W, %B) : ({dy}, {x}, {w}, {b}) -> ({results}) {{
  ^bb0(%dy: {dy}, %x: {x}, %w: {w}, %b: {b}):
    %p = drawloom.matmul %dy, %x{init} {{transpose_a}} : ({dy}, {x}{initType}) -> {w}
{sum}    drawloom.yield %p{yielded} : {results}
  }}
  return %r#0{returned} : {results}
}})",
      fmt::arg("dy", dy), fmt::arg("x", x), fmt::arg("w", w), fmt::arg("b", b), fmt::arg("results", results),
      fmt::arg("count", c.sums ? 2 : 1), fmt::arg("init", init("%w")), fmt::arg("initType", typeOf(w)),
      fmt::arg("sum", c.sums ? sum : ""), fmt::arg("yielded", c.sums ? ", %s" : ""),
      fmt::arg("returned", c.sums ? ", %r#1" : ""));
}

using WeightGrads = OnHopper<Case>;

TEST_P(WeightGrads, AreLikeFloat64) {
  const Case &c = GetParam();
  auto module = parse(moduleOf(c));
  ASSERT_TRUE(module);
  plan::DType type = this->type();
  auto random = [](std::vector<int64_t> shape, uint64_t seed, plan::DType type) {
    Tensor t = Tensor::random(shape, seed, 1.0);
    for (double &x : t.values) x = roundTo(type, x);
    return t;
  };
  std::vector<Tensor> inputs = {
      random({2, c.rows, c.outputs}, 1, type), random({2, c.rows, c.inputs}, 2, type),
      random({c.outputs, c.inputs}, 3, plan::DType::F32), random({c.outputs}, 4, plan::DType::F32)};
  // Factors are exact; what rounds is a chain of f32 additions.
  expectLikeMeaning(*module, inputs, 4, [&](size_t k, plan::DType) {
    return Judgement{k ? "bias gradient" : "weight gradient", c.type, 2e-6};
  });
}

std::vector<Case> cases() {
  std::vector<Case> list;
  for (const char *type : {"bf16", "f16"})
    for (bool sums : {true, false})
      for (bool adds : {true, false}) {
        list.push_back({100, 136, 72, type, sums, adds}); // one tile, ragged
        list.push_back(
            {1500, 200, 328, type, sums, adds}); // four tiles, which end in the middle of a block's part
      }
  // A block and a slice; less than that; many slices a block; fewer blocks than the card has; the tiles of
  // enwik8 and cifar10; an odd number of tiles; blocks with more than one whole tile; narrow tiles.
  for (auto [rows, outputs, inputs] : std::vector<std::array<int64_t, 3>>{{32, 128, 256},
                                                                          {1, 8, 8},
                                                                          {20011, 40, 64},
                                                                          {50, 1536, 512},
                                                                          {2000, 1536, 512},
                                                                          {9000, 512, 256},
                                                                          {3001, 384, 520},
                                                                          {64, 4096, 1024},
                                                                          {5000, 64, 120}})
    list.push_back({rows, outputs, inputs, "bf16", true, true});
  return list;
}

INSTANTIATE_TEST_SUITE_P(All, WeightGrads, testing::ValuesIn(cases()), [](auto &info) {
  const Case &c = info.param;
  return fmt::format("{}_{}x{}x{}{}{}", c.type, c.rows, c.outputs, c.inputs, c.sums ? "_sums" : "",
                     c.adds ? "_adds" : "");
});

} // namespace
} // namespace drawloom::test
