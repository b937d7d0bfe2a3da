// Every row operation, compiled, against the float64 interpreter, for shapes that do and do not fit the
// vectors.
#include "test/codegen/OpHarness.h"
#include <fmt/format.h>

namespace drawloom::test {
namespace {

struct Shape {
  int64_t batch, n, d;
  std::string rows(const std::string &element = "f32") const { return tensorType({batch, n, d}, element); }
  std::string scalars(const std::string &element = "f32") const { return tensorType({batch, n}, element); }
  std::string vector() const { return tensorType({d}); }
  std::vector<int64_t> rowsShape() const { return {batch, n, d}; }
};

class RowOps : public testing::TestWithParam<Shape> {
protected:
  Shape shape = GetParam();
  Tensor random(uint64_t seed, double scale = 2.0) { return Tensor::random(shape.rowsShape(), seed, scale); }
  Tensor randomVector(uint64_t seed) { return Tensor::random({shape.d}, seed); }
};

INSTANTIATE_TEST_SUITE_P(Shapes, RowOps,
                         testing::Values(Shape{1, 1, 1}, Shape{1, 3, 5}, Shape{2, 7, 300}, Shape{1, 130, 257},
                                         Shape{2, 33, 64}, Shape{3, 5, 16}, Shape{1, 9, 100}),
                         [](auto &info) {
                           return fmt::format("B{}N{}D{}", info.param.batch, info.param.n, info.param.d);
                         });

TEST_P(RowOps, BiasAdd) {
  expectLikeInterpreter(fmt::format(R"(
func.func @f(%x: {0}, %b: {1}) -> {0} {{
  %r = drawloom.bias_add %x, %b : ({0}, {1}) -> {0}
  return %r : {0}
}})",
                                    shape.rows(), shape.vector()),
                        {random(1), randomVector(2)});
}

TEST_P(RowOps, Add) {
  expectLikeInterpreter(fmt::format(R"(
func.func @f(%x: {0}, %y: {0}) -> {0} {{
  %r = drawloom.add %x, %y : {0}
  return %r : {0}
}})",
                                    shape.rows()),
                        {random(1), random(2)});
}

TEST_P(RowOps, GeluAndItsGradient) {
  expectLikeInterpreter(fmt::format(R"(
func.func @f(%x: {0}, %y: {0}) -> ({0}, {0}) {{
  %r = drawloom.gelu %x : {0}
  %g = drawloom.gelu_grad %y, %x : {0}
  return %r, %g : {0}, {0}
}})",
                                    shape.rows()),
                        {random(1, 6.0), random(2)});
}

TEST_P(RowOps, DropoutHasTheMaskOfTheInterpreter) {
  expectLikeInterpreter(fmt::format(R"(
func.func @f(%x: {0}, %rng: tensor<2xi64>) -> ({0}, {0}) {{
  %r = drawloom.dropout %x, %rng {{rate = 0.4 : f64, site = 7 : i64}} : ({0}, tensor<2xi64>) -> {0}
  %s = drawloom.dropout %x, %rng {{rate = 0.1 : f64, site = 4000000000 : i64}} : ({0}, tensor<2xi64>) -> {0}
  return %r, %s : {0}, {0}
}})",
                                    shape.rows()),
                        {random(1), Tensor::ofIntegers({2}, {0x123456789abcdef0, 0x7000000001})});
}

TEST_P(RowOps, DropoutInRowsHasTheSameMask) { // with a bias the program has rows, not flat chunks
  expectLikeInterpreter(fmt::format(R"(
func.func @f(%x: {0}, %b: {1}, %rng: tensor<2xi64>) -> {0} {{
  %r = drawloom.fusion(%x, %b, %rng) : ({0}, {1}, tensor<2xi64>) -> {0} {{
  ^bb0(%a0: {0}, %a1: {1}, %a2: tensor<2xi64>):
    %0 = drawloom.bias_add %a0, %a1 : ({0}, {1}) -> {0}
    %1 = drawloom.dropout %0, %a2 {{rate = 0.25 : f64, site = 1 : i64}} : ({0}, tensor<2xi64>) -> {0}
    drawloom.yield %1 : {0}
  }}
  return %r : {0}
}})",
                                    shape.rows(), shape.vector()),
                        {random(1), randomVector(2), Tensor::ofIntegers({2}, {42, 3})});
}

TEST_P(RowOps, LayerNorm) {
  expectLikeInterpreter(fmt::format(R"(
func.func @f(%x: {0}, %g: {1}, %b: {1}) -> ({0}, {2}, {2}) {{
  %r, %mean, %rstd = drawloom.layer_norm %x, %g, %b : ({0}, {1}, {1}) -> ({0}, {2}, {2})
  return %r, %mean, %rstd : {0}, {2}, {2}
}})",
                                    shape.rows(), shape.vector(), shape.scalars()),
                        {random(1), randomVector(2), randomVector(3)});
}

TEST_P(RowOps, LayerNormGradient) {
  Tensor mean = Tensor::random({shape.batch, shape.n}, 4, 0.1),
         rstd = Tensor::random({shape.batch, shape.n}, 5, 0.5);
  for (double &r : rstd.values) r = 1 + r * r;
  expectLikeInterpreter(fmt::format(R"(
func.func @f(%dout: {0}, %x: {0}, %g: {1}, %mean: {2}, %rstd: {2}) -> ({0}, {1}, {1}) {{
  %dx, %dg, %db = drawloom.layer_norm_grad %dout, %x, %g, %mean, %rstd : ({0}, {0}, {1}, {2}, {2}) -> ({0}, {1}, {1})
  return %dx, %dg, %db : {0}, {1}, {1}
}})",
                                    shape.rows(), shape.vector(), shape.scalars()),
                        {random(1), random(2), randomVector(3), mean, rstd});
}

TEST_P(RowOps, CrossEntropyAndItsGradient) {
  expectLikeInterpreter(fmt::format(R"(
func.func @f(%x: {0}, %t: {2}, %w: {1}) -> ({1}, {0}) {{
  %nll = drawloom.cross_entropy %x, %t : ({0}, {2}) -> {1}
  %d = drawloom.cross_entropy_grad %w, %x, %t : ({1}, {0}, {2}) -> {0}
  return %nll, %d : {1}, {0}
}})",
                                    shape.rows(), shape.scalars(), shape.scalars("i32")),
                        {random(1, 8.0), Tensor::randomIntegers({shape.batch, shape.n}, 2, shape.d),
                         Tensor::random({shape.batch, shape.n}, 3)});
}

TEST_P(RowOps, ColumnSum) {
  expectLikeInterpreter(fmt::format(R"(
func.func @f(%x: {0}, %init: {1}) -> ({1}, {1}) {{
  %s = drawloom.column_sum %x : ({0}) -> {1}
  %t = drawloom.column_sum %x init %init : ({0}, {1}) -> {1}
  return %s, %t : {1}, {1}
}})",
                                    shape.rows(), shape.vector()),
                        {random(1), randomVector(2)});
}

TEST_P(RowOps, Fill) {
  expectLikeInterpreter(fmt::format(R"(
func.func @f() -> {0} {{
  %r = drawloom.fill 0.125 : {0}
  return %r : {0}
}})",
                                    shape.rows()),
                        {});
}

TEST_P(RowOps, EmbedWithPositions) {
  expectLikeInterpreter(fmt::format(R"(
func.func @f(%t: {1}, %table: {2}, %p0: {3}, %p1: {4}) -> {0} {{
  %r = drawloom.embed %t, %table positions(%p0, %p1) divisors [1, 3] : ({1}, {2}, {3}, {4}) -> {0}
  return %r : {0}
}})",
                                    shape.rows(), shape.scalars("i32"), tensorType({11, shape.d}),
                                    tensorType({3, shape.d}), tensorType({5, shape.d})),
                        {Tensor::randomIntegers({shape.batch, shape.n}, 1, 11),
                         Tensor::random({11, shape.d}, 2), Tensor::random({3, shape.d}, 3),
                         Tensor::random({5, shape.d}, 4)});
}

TEST_P(RowOps, EmbedAtAnOffset) {
  expectLikeInterpreter(
      fmt::format(R"(
func.func @f(%t: {1}, %table: {2}, %p0: {3}, %o: tensor<1xi64>) -> {0} {{
  %r = drawloom.embed %t, %table positions(%p0) offset %o divisors [2] : ({1}, {2}, {3}, tensor<1xi64>) -> {0}
  return %r : {0}
}})",
                  shape.rows(), shape.scalars("i32"), tensorType({11, shape.d}), tensorType({7, shape.d})),
      {Tensor::randomIntegers({shape.batch, shape.n}, 1, 11), Tensor::random({11, shape.d}, 2),
       Tensor::random({7, shape.d}, 3), Tensor::ofIntegers({1}, {9})});
}

TEST_P(RowOps, EmbedGradient) {
  expectLikeInterpreter(fmt::format(R"(
func.func @f(%dout: {0}, %t: {1}) -> ({2}, {3}, {4}) {{
  %r:3 = drawloom.embed_grad %dout, %t divisors [1, 3] : ({0}, {1}) -> ({2}, {3}, {4})
  return %r#0, %r#1, %r#2 : {2}, {3}, {4}
}})",
                                    shape.rows(), shape.scalars("i32"), tensorType({11, shape.d}),
                                    tensorType({3, shape.d}), tensorType({5, shape.d})),
                        {random(1), Tensor::randomIntegers({shape.batch, shape.n}, 2, 11)});
}

TEST_P(RowOps, GlobalNorm) {
  expectLikeInterpreter(fmt::format(R"(
func.func @f(%x: {0}, %b: {1}, %y: {0}) -> tensor<1xf32> {{
  %r = drawloom.global_norm %x, %b, %y : ({0}, {1}, {0}) -> tensor<1xf32>
  return %r : tensor<1xf32>
}})",
                                    shape.rows(), shape.vector()),
                        {random(1), randomVector(2), random(3)});
}

} // namespace
} // namespace drawloom::test
