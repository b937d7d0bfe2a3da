// Products with an epilogue on the device: against float64, and bit by bit against the product and its row
// ops as kernels of their own.
#include "dialect/interp/Interpreter.h"
#include "test/codegen/OpHarness.h"
#include "test/gpu/DeviceRun.h"
#include <fmt/format.h>
#include <gtest/gtest.h>

namespace drawloom::test {
namespace {

struct Shape {
  int64_t rows, columns, inner;
};

/// Row ops behind the product %p of type {rows}; they read the bias %b, the rows %u and the vector %s.
/// Results are named in `results`, row tensors first; `sums` of them are sums over rows.
struct Epilogue {
  const char *name, *ops;
  std::vector<const char *> results;
  size_t sums = 0;
};

const Epilogue kEpilogues[] = {
    {"plain", "", {"p"}},
    {"gelu",
     "%0 = drawloom.bias_add %p, %b : ({rows}, {vector}) -> {rows}\n"
     "%1 = drawloom.gelu %0 : {rows}\n",
     {"0", "1"}},
    {"gelu_alone",
     "%0 = drawloom.bias_add %p, %b : ({rows}, {vector}) -> {rows}\n"
     "%1 = drawloom.gelu %0 : {rows}\n",
     {"1"}},
    {"gelu_grad",
     "%0 = drawloom.gelu_grad %p, %u : {rows}\n"
     "%1 = drawloom.gelu %u : {rows}\n"
     "%2 = drawloom.column_sum %0 init %s : ({rows}, {vector}) -> {vector}\n",
     {"0", "1", "2"},
     1},
    {"sums_alone",
     "%0 = drawloom.bias_add %p, %b : ({rows}, {vector}) -> {rows}\n"
     "%1 = drawloom.gelu_grad %0, %u : {rows}\n"
     "%2 = drawloom.column_sum %1 : ({rows}) -> {vector}\n"
     "%3 = drawloom.column_sum %0 init %s : ({rows}, {vector}) -> {vector}\n",
     {"2", "3"},
     2},
    {"residual",
     "%0 = drawloom.cast %p : {rows} to {wide}\n"
     "%1 = drawloom.bias_add %0, %b : ({wide}, {vector}) -> {wide}\n"
     "%2 = drawloom.cast %1 : {wide} to {rows}\n"
     "%3 = drawloom.add %u, %2 : {rows}\n",
     {"3"}},
};

struct Case {
  Shape shape;
  const char *type;
  bool transposeB;
  const Epilogue *epilogue;
};

void replaceAll(std::string &text, const std::string &name, const std::string &value) {
  for (size_t at; (at = text.find(name)) != std::string::npos;) text.replace(at, name.size(), value);
}

/// @f gives the results of the fusion, then those of the same ops one by one behind a fusion that is a
/// product alone.
std::string moduleOf(const Case &c) {
  const auto &[rows, columns, inner] = c.shape;
  std::string row = tensorType({1, rows, columns}, c.type), vector = tensorType({columns});
  std::string a = tensorType({1, rows, inner}, c.type);
  std::string b = c.transposeB ? tensorType({columns, inner}, c.type) : tensorType({inner, columns}, c.type);
  const Epilogue &e = *c.epilogue;
  std::string named, results, types;
  for (size_t k = 0; k < e.results.size(); ++k) {
    std::string comma = k ? ", " : "";
    named += comma + "%" + e.results[k], results += fmt::format("{}%r#{}", comma, k);
    types += comma + (k + e.sums < e.results.size() ? row : vector);
  }
  std::string transpose = c.transposeB ? " {transpose_b}" : "";
  auto arguments = [&](const char *x, const char *w, const char *b0, const char *u, const char *s) {
    return fmt::format("({}: {}, {}: {}, {}: {}, {}: {}, {}: {})", x, a, w, b, b0, vector, u, row, s, vector);
  };
  std::string opsOutside = e.ops; // names inside hide none outside
  for (auto [inside, outside] : {std::pair{"%b", "%B"}, {"%u", "%U"}, {"%s", "%S"}})
    replaceAll(opsOutside, inside, outside);
  std::string text = fmt::format(
      R"(
func.func @f{outer} -> ({types}, {types}) {{
  %r:{count} = drawloom.fusion(%X, %W, %B, %U, %S) : ({a}, {b}, {vector}, {row}, {vector}) -> ({types}) {{
  ^bb0{inner}:
    %p = drawloom.matmul %x, %w{transpose} : ({a}, {b}) -> {row}
    {ops}    drawloom.yield {fused} : {types}
  }}
  %p = drawloom.fusion(%X, %W) : ({a}, {b}) -> {row} {{
  ^bb0(%x: {a}, %w: {b}):
    %pp = drawloom.matmul %x, %w{transpose} : ({a}, {b}) -> {row}
    drawloom.yield %pp : {row}
  }}
  {opsOutside}  return {results}, {separate} : {types}, {types}
}})",
      fmt::arg("outer", arguments("%X", "%W", "%B", "%U", "%S")),
      fmt::arg("inner", arguments("%x", "%w", "%b", "%u", "%s")), fmt::arg("types", types),
      fmt::arg("count", e.results.size()), fmt::arg("a", a), fmt::arg("b", b), fmt::arg("vector", vector),
      fmt::arg("row", row), fmt::arg("transpose", transpose), fmt::arg("ops", e.ops),
      fmt::arg("opsOutside", opsOutside), fmt::arg("fused", named), fmt::arg("results", results),
      fmt::arg("separate", named));
  replaceAll(text, "{rows}", row);
  replaceAll(text, "{vector}", vector);
  replaceAll(text, "{wide}", tensorType({1, rows, columns}));
  return text;
}

class Products : public testing::TestWithParam<Case> {};

TEST_P(Products, AreLikeFloat64AndLikeSeparateKernels) {
  const Case &c = GetParam();
  auto module = parse(moduleOf(c));
  ASSERT_TRUE(module);
  if (!deviceTarget().isGpu() || deviceTarget().name != "sm_90a")
    GTEST_SKIP() << "kernels of products are for sm_90a";
  plan::DType type = std::string(c.type) == "bf16" ? plan::DType::BF16 : plan::DType::F16;
  double unit = type == plan::DType::BF16 ? 1.0 / 256 : 1.0 / 2048;
  const auto &[rows, columns, inner] = c.shape;
  auto random = [&](std::vector<int64_t> shape, uint64_t seed, bool isNarrow, double scale) {
    Tensor t = rounded(Tensor::random(shape, seed, scale));
    if (isNarrow)
      for (double &x : t.values) x = roundTo(type, x);
    return t;
  };
  std::vector<int64_t> bShape =
      c.transposeB ? std::vector<int64_t>{columns, inner} : std::vector<int64_t>{inner, columns};
  std::vector<Tensor> inputs = {random({1, rows, inner}, 1, true, 1.0),
                                random(bShape, 2, true, 2.0 / std::sqrt(double(inner))),
                                random({columns}, 3, false, 1.0), random({1, rows, columns}, 4, true, 2.0),
                                random({columns}, 5, false, 1.0)};
  auto expected = Interpreter(*module).run("f", inputs);
  ASSERT_TRUE(succeeded(expected));
  auto run = DeviceRun::make(*module);
  ASSERT_TRUE(run);
  for (size_t k = 0; k < inputs.size(); ++k) run->put("arg" + std::to_string(k), inputs[k]);
  size_t results = c.epilogue->results.size(), rowResults = results - c.epilogue->sums;
  std::vector<std::vector<std::byte>> first;
  for (int repetition = 0; repetition < 3; ++repetition) {
    run->run("f");
    for (size_t k = 0; k < 2 * results; ++k) {
      std::string name = "result" + std::to_string(k);
      if (repetition == 0) {
        double error = relativeError(run->get(name), (*expected)[k]);
        noteError(std::string("product ") + c.epilogue->name, plan::EnumNameDType(run->dtype(name)), error);
        EXPECT_LE(error, 2 * unit) << name;
        first.push_back(run->bits(name));
      } else {
        EXPECT_EQ(run->bits(name), first[k]) << name << " has other bits in another run";
      }
    }
  }
  for (size_t k = 0; k < rowResults; ++k)
    EXPECT_EQ(first[k], first[results + k]) << "result " << k << " has other bits than row kernels give";
}

std::vector<Case> cases() {
  std::vector<Case> list;
  for (const Epilogue &epilogue : kEpilogues)
    for (bool transposeB : {true, false}) {
      for (const char *type : {"bf16", "f16"}) list.push_back({{200, 136, 72}, type, transposeB, &epilogue});
      // Rows that fill their tiles; one row; several row tiles a warp group; column tiles of 64 and 128.
      for (Shape shape : {Shape{256, 256, 512}, Shape{1, 8, 8}, Shape{4500, 1024, 128}, Shape{20011, 40, 64},
                          Shape{300, 128, 64}})
        list.push_back({shape, "bf16", transposeB, &epilogue});
    }
  return list;
}

INSTANTIATE_TEST_SUITE_P(All, Products, testing::ValuesIn(cases()), [](auto &info) {
  const Case &c = info.param;
  return fmt::format("{}_{}_{}x{}x{}_{}", c.epilogue->name, c.type, c.shape.rows, c.shape.columns,
                     c.shape.inner, c.transposeB ? "nt" : "nn");
});

} // namespace
} // namespace drawloom::test
