// Products with an epilogue on the device: against float64, and bit by bit against the product and its row
// ops as kernels of their own.
#include "test/codegen/OpHarness.h"
#include "test/gpu/LikeInterpreter.h"
#include "test/gpu/OnHopper.h"
#include <fmt/format.h>

namespace drawloom::test {
namespace {

struct Shape {
  int64_t rows, columns, inner;
};

/// Row ops behind the product %p of type {rows}; they read the bias %b, the rows %u and %t, the vectors %s
/// and %g, the numbers of rows %m and %v (positive) and the random key %n. `results` are named with what they
/// are: 'r' for rows, 'n' for a number a row, 's' for a sum over rows.
struct Epilogue {
  const char *name, *ops;
  std::vector<std::pair<const char *, char>> results;
  bool sumsLikeRowKernels = false; ///< sums over rows are added up in the order of row kernels
};

const Epilogue kEpilogues[] = {
    {"plain", "", {{"p", 'r'}}},
    {"gelu",
     "%0 = drawloom.bias_add %p, %b : ({rows}, {vector}) -> {rows}\n"
     "%1 = drawloom.gelu %0 : {rows}\n",
     {{"0", 'r'}, {"1", 'r'}}},
    {"gelu_alone",
     "%0 = drawloom.bias_add %p, %b : ({rows}, {vector}) -> {rows}\n"
     "%1 = drawloom.gelu %0 : {rows}\n",
     {{"1", 'r'}}},
    {"gelu_grad",
     "%0 = drawloom.gelu_grad %p, %u : {rows}\n"
     "%1 = drawloom.gelu %u : {rows}\n"
     "%2 = drawloom.column_sum %0 init %s : ({rows}, {vector}) -> {vector}\n",
     {{"0", 'r'}, {"1", 'r'}, {"2", 's'}}},
    {"sums_alone",
     "%0 = drawloom.bias_add %p, %b : ({rows}, {vector}) -> {rows}\n"
     "%1 = drawloom.gelu_grad %0, %u : {rows}\n"
     "%2 = drawloom.column_sum %1 : ({rows}) -> {vector}\n"
     "%3 = drawloom.column_sum %0 init %s : ({rows}, {vector}) -> {vector}\n",
     {{"2", 's'}, {"3", 's'}}},
    {"residual",
     "%0 = drawloom.cast %p : {rows} to {wide}\n"
     "%1 = drawloom.bias_add %0, %b : ({wide}, {vector}) -> {wide}\n"
     "%2 = drawloom.cast %1 : {wide} to {rows}\n"
     "%3 = drawloom.add %u, %2 : {rows}\n",
     {{"3", 'r'}}},
};

/// Those that need whole rows.
const Epilogue kRowEpilogues[] = {
    {"norm",
     "%0 = drawloom.bias_add %p, %b : ({rows}, {vector}) -> {rows}\n"
     "%1 = drawloom.add %u, %0 : {rows}\n"
     "%2, %3, %4 = drawloom.layer_norm %1, %g, %s : ({rows}, {vector}, {vector}) -> ({rows}, {numbers}, "
     "{numbers})\n",
     {{"1", 'r'}, {"2", 'r'}, {"3", 'n'}, {"4", 'n'}}},
    {"dropout_norm",
     "%0 = drawloom.bias_add %p, %b : ({rows}, {vector}) -> {rows}\n"
     "%1 = drawloom.dropout %0, %n {rate = 0.25 : f64, site = 3 : i64} : ({rows}, tensor<2xi64>) -> {rows}\n"
     "%2 = drawloom.add %u, %1 : {rows}\n"
     "%3, %4, %5 = drawloom.layer_norm %2, %g, %s : ({rows}, {vector}, {vector}) -> ({rows}, {numbers}, "
     "{numbers})\n",
     {{"2", 'r'}, {"3", 'r'}, {"4", 'n'}, {"5", 'n'}}},
    {"dropout",
     "%0 = drawloom.dropout %p, %n {rate = 0.5 : f64, site = 0 : i64} : ({rows}, tensor<2xi64>) -> {rows}\n"
     "%1 = drawloom.add %u, %0 : {rows}\n",
     {{"1", 'r'}}},
    {"norm_alone",
     "%0, %1, %2 = drawloom.layer_norm %p, %g, %s : ({rows}, {vector}, {vector}) -> ({rows}, {numbers}, "
     "{numbers})\n",
     {{"0", 'r'}}},
    {"norm_grad",
     "%0, %1, %2 = drawloom.layer_norm_grad %p, %u, %g, %m, %v : ({rows}, {rows}, {vector}, {numbers}, "
     "{numbers}) "
     "-> ({rows}, {vector}, {vector})\n"
     "%3 = drawloom.add %t, %0 : {rows}\n"
     "%4 = drawloom.dropout %3, %n {rate = 0.25 : f64, site = 3 : i64} : ({rows}, tensor<2xi64>) -> {rows}\n"
     "%5 = drawloom.column_sum %4 init %s : ({rows}, {vector}) -> {vector}\n",
     {{"3", 'r'}, {"4", 'r'}, {"1", 's'}, {"2", 's'}, {"5", 's'}},
     true},
    // No sum along the row makes the lanes of a warp wait for one another.
    {"dropout_sum",
     "%0 = drawloom.dropout %p, %n {rate = 0.25 : f64, site = 3 : i64} : ({rows}, tensor<2xi64>) -> {rows}\n"
     "%1 = drawloom.column_sum %0 : ({rows}) -> {vector}\n",
     {{"0", 'r'}, {"1", 's'}},
     true},
    {"four_sums",
     "%0, %1, %2 = drawloom.layer_norm_grad %p, %u, %g, %m, %v : ({rows}, {rows}, {vector}, {numbers}, "
     "{numbers}) "
     "-> ({rows}, {vector}, {vector})\n"
     "%3 = drawloom.column_sum %0 init %s : ({rows}, {vector}) -> {vector}\n"
     "%4 = drawloom.column_sum %p : ({rows}) -> {vector}\n",
     {{"0", 'r'}, {"1", 's'}, {"2", 's'}, {"3", 's'}, {"4", 's'}},
     true},
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

/// The arguments of @f: names and types with holes.
const std::pair<const char *, const char *> kArguments[] = {
    {"x", "{a}"},      {"w", "{w}"},    {"b", "{vector}"},  {"u", "{rows}"},    {"s", "{vector}"},
    {"g", "{vector}"}, {"t", "{rows}"}, {"m", "{numbers}"}, {"v", "{numbers}"}, {"n", "tensor<2xi64>"}};

/// @f gives the results of the fusion, then those of the same ops one by one behind a fusion that is a
/// product alone.
std::string moduleOf(const Case &c) {
  const auto &[rows, columns, inner] = c.shape;
  const Epilogue &e = *c.epilogue;
  std::string outer, inside, types, given, named, results, resultTypes, comma;
  for (auto [name, type] : kArguments) {
    outer += fmt::format("{}%{}: {}", comma, llvm::StringRef(name).upper(), type);
    inside += fmt::format("{}%{}: {}", comma, name, type);
    given += fmt::format("{}%{}", comma, llvm::StringRef(name).upper());
    types += comma + type;
    comma = ", ";
  }
  comma = "";
  for (size_t k = 0; k < e.results.size(); ++k) {
    auto [name, kind] = e.results[k];
    named += fmt::format("{}%{}", comma, name), results += fmt::format("{}%r#{}", comma, k);
    resultTypes += comma + (kind == 'r' ? "{rows}" : kind == 'n' ? "{numbers}" : "{vector}");
    comma = ", ";
  }
  std::string opsOutside = e.ops; // names inside hide none outside
  for (auto [name, type] : kArguments)
    for (const char *end : {",", " "})
      replaceAll(opsOutside, fmt::format("%{}{}", name, end), "%" + llvm::StringRef(name).upper() + end);
  std::string text = fmt::format(
      R"(
func.func @f({outer}) -> ({resultTypes}, {resultTypes}) {{
  %r:{count} = drawloom.fusion({given}) : ({types}) -> ({resultTypes}) {{
  ^bb0({inside}):
    %p = drawloom.matmul %x, %w{transpose} : ({{a}}, {{w}}) -> {{rows}}
    {ops}    drawloom.yield {named} : {resultTypes}
  }}
  %p = drawloom.fusion(%X, %W) : ({{a}}, {{w}}) -> {{rows}} {{
  ^bb0(%x: {{a}}, %w: {{w}}):
    %pp = drawloom.matmul %x, %w{transpose} : ({{a}}, {{w}}) -> {{rows}}
    drawloom.yield %pp : {{rows}}
  }}
  {opsOutside}  return {results}, {named} : {resultTypes}, {resultTypes}
}})",
      fmt::arg("outer", outer), fmt::arg("inside", inside), fmt::arg("types", types),
      fmt::arg("given", given), fmt::arg("count", e.results.size()),
      fmt::arg("transpose", c.transposeB ? " {transpose_b}" : ""), fmt::arg("ops", e.ops),
      fmt::arg("opsOutside", opsOutside), fmt::arg("named", named), fmt::arg("results", results),
      fmt::arg("resultTypes", resultTypes));
  replaceAll(text, "{rows}", tensorType({1, rows, columns}, c.type));
  replaceAll(text, "{vector}", tensorType({columns}));
  replaceAll(text, "{numbers}", tensorType({1, rows}));
  replaceAll(text, "{wide}", tensorType({1, rows, columns}));
  replaceAll(text, "{a}", tensorType({1, rows, inner}, c.type));
  replaceAll(text, "{w}",
             c.transposeB ? tensorType({columns, inner}, c.type) : tensorType({inner, columns}, c.type));
  return text;
}

using Products = OnHopper<Case>;

TEST_P(Products, AreLikeFloat64AndLikeSeparateKernels) {
  const Case &c = GetParam();
  auto module = parse(moduleOf(c));
  ASSERT_TRUE(module);
  plan::DType type = this->type();
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
  std::vector<Tensor> inputs = {
      random({1, rows, inner}, 1, true, 1.0),   random(bShape, 2, true, 2.0 / std::sqrt(double(inner))),
      random({columns}, 3, false, 1.0),         random({1, rows, columns}, 4, true, 2.0),
      random({columns}, 5, false, 1.0),         random({columns}, 6, false, 1.0),
      random({1, rows, columns}, 7, true, 1.0), random({1, rows}, 8, false, 0.5),
      random({1, rows}, 9, false, 0.2),         Tensor::randomIntegers({2}, 10, 1000)};
  for (double &x : inputs[8].values) x = float(0.5 + std::abs(x));
  size_t results = c.epilogue->results.size();
  auto bits = expectLikeMeaning(*module, inputs, 3, [&](size_t k, plan::DType dtype) {
    // A row's mean is small beside the rounding of its elements.
    bool isNumber = c.epilogue->results[k % results].second == 'n';
    return Judgement{std::string("product ") + c.epilogue->name, plan::EnumNameDType(dtype),
                     (isNumber ? 8 : 2) * unit};
  });
  ASSERT_EQ(bits.size(), 2 * results);
  for (size_t k = 0; k < results; ++k)
    if (c.epilogue->results[k].second != 's' || c.epilogue->sumsLikeRowKernels)
      EXPECT_EQ(bits[k], bits[results + k]) << "result " << k << " has other bits than row kernels give";
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
  for (const Epilogue &epilogue : kRowEpilogues)
    for (bool transposeB : {true, false}) {
      for (const char *type : {"bf16", "f16"})
        for (Shape shape : {Shape{300, 256, 256}, Shape{1000, 192, 72}})
          list.push_back({shape, type, transposeB, &epilogue});
      // Whole tiles; one row; several tiles a block; teams of 8 and 16 lanes; a long inner extent.
      for (Shape shape :
           {Shape{256, 256, 512}, Shape{1, 64, 8}, Shape{35000, 256, 128}, Shape{17001, 128, 64},
            Shape{40000, 192, 64}, Shape{300, 64, 64}, Shape{200, 256, 1000}})
        list.push_back({shape, "bf16", transposeB, &epilogue});
    }
  // Groups of warps whose rows all lie far behind the last one.
  for (const Epilogue &epilogue : kRowEpilogues) list.push_back({{100000, 64, 8}, "bf16", true, &epilogue});
  return list;
}

INSTANTIATE_TEST_SUITE_P(All, Products, testing::ValuesIn(cases()), [](auto &info) {
  const Case &c = info.param;
  return fmt::format("{}_{}_{}x{}x{}_{}", c.epilogue->name, c.type, c.shape.rows, c.shape.columns,
                     c.shape.inner, c.transposeB ? "nt" : "nn");
});

} // namespace
} // namespace drawloom::test
