// Segments change where values are computed, never what they are.
#include "dialect/interp/GradientCheck.h"
#include "test/dialect/Support.h"

using namespace drawloom;
using namespace drawloom::test;

namespace {

// One residual block: n = 7 (ragged for fixed(4)), d = 8, 2 heads, inner width 12, 5 classes, batch 2.
constexpr const char *kArguments = R"mlir((
    %tokens: tensor<2x7xi32>, %targets: tensor<2x7xi32>, %rng: tensor<2xi64>, %table: tensor<6x8xf64>, %pos: tensor<7x8xf64>,
    %g1: tensor<8xf64>, %b1: tensor<8xf64>, %wqkv: tensor<24x8xf64>, %bqkv: tensor<24xf64>, %wp: tensor<8x8xf64>, %bp: tensor<8xf64>,
    %g2: tensor<8xf64>, %b2: tensor<8xf64>, %w1: tensor<12x8xf64>, %c1: tensor<12xf64>, %w2: tensor<8x12xf64>, %c2: tensor<8xf64>,
    %wo: tensor<5x8xf64>) -> tensor<2x7xf64> {
  %h0 = drawloom.embed %tokens, %table positions (%pos) divisors [1] {drawloom.label = "embed"} : (tensor<2x7xi32>, tensor<6x8xf64>, tensor<7x8xf64>) -> tensor<2x7x8xf64>
)mlir";
// The two halves, on %x and ending in %y; names of the weights are the function's or the region's.
constexpr const char *kAttentionHalf = R"mlir(
  %n1, %m1, %r1 = drawloom.layer_norm %x, %g1, %b1 {drawloom.label = "norm1"} : (tensor<2x7x8xf64>, tensor<8xf64>, tensor<8xf64>) -> (tensor<2x7x8xf64>, tensor<2x7xf64>, tensor<2x7xf64>)
  %qkv = drawloom.linear %n1, %wqkv bias %bqkv {drawloom.label = "qkv"} : (tensor<2x7x8xf64>, tensor<24x8xf64>, tensor<24xf64>) -> tensor<2x7x24xf64>
  %q, %k, %v = drawloom.split %qkv : (tensor<2x7x24xf64>) -> (tensor<2x7x8xf64>, tensor<2x7x8xf64>, tensor<2x7x8xf64>)
  %a, %lse = drawloom.attention %q, %k, %v {drawloom.keep, drawloom.label = "attention", drawloom.segment = "first", pattern = #drawloom.pattern<"fixed(4, c=2)">, heads = 2 : i64, scale = 0.5 : f64} : (tensor<2x7x8xf64>, tensor<2x7x8xf64>, tensor<2x7x8xf64>) -> (tensor<2x7x8xf64>, tensor<2x2x7xf64>)
  %p = drawloom.linear %a, %wp bias %bp {drawloom.label = "proj"} : (tensor<2x7x8xf64>, tensor<8x8xf64>, tensor<8xf64>) -> tensor<2x7x8xf64>
  %pd = drawloom.dropout %p, %rng {rate = 0.3 : f64, site = 1 : i64} : (tensor<2x7x8xf64>, tensor<2xi64>) -> tensor<2x7x8xf64>
  %y = drawloom.add %x, %pd : tensor<2x7x8xf64>
)mlir";
constexpr const char *kFeedForwardHalf = R"mlir(
  %n2, %m2, %r2 = drawloom.layer_norm %y, %g2, %b2 : (tensor<2x7x8xf64>, tensor<8xf64>, tensor<8xf64>) -> (tensor<2x7x8xf64>, tensor<2x7xf64>, tensor<2x7xf64>)
  %f1 = drawloom.linear %n2, %w1 bias %c1 : (tensor<2x7x8xf64>, tensor<12x8xf64>, tensor<12xf64>) -> tensor<2x7x12xf64>
  %ge = drawloom.gelu %f1 : tensor<2x7x12xf64>
  %f2 = drawloom.linear %ge, %w2 bias %c2 : (tensor<2x7x12xf64>, tensor<8x12xf64>, tensor<8xf64>) -> tensor<2x7x8xf64>
  %fd = drawloom.dropout %f2, %rng {rate = 0.3 : f64, site = 2 : i64} : (tensor<2x7x8xf64>, tensor<2xi64>) -> tensor<2x7x8xf64>
  %z = drawloom.add %y, %fd : tensor<2x7x8xf64>
)mlir";
constexpr const char *kLoss = R"mlir(
  %logits = drawloom.linear %out, %wo : (tensor<2x7x8xf64>, tensor<5x8xf64>) -> tensor<2x7x5xf64>
  %nll = drawloom.cross_entropy %logits, %targets : (tensor<2x7x5xf64>, tensor<2x7xi32>) -> tensor<2x7xf64>
  return %nll : tensor<2x7xf64>
}
)mlir";

std::string replaceAll(std::string text, const std::string &from, const std::string &to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

std::string plain() {
  std::string halves = replaceAll(std::string(kAttentionHalf) + kFeedForwardHalf, "%x,", "%h0,");
  return std::string("func.func @plain") + kArguments + halves + replaceAll(kLoss, "%out", "%z");
}

/// mode=attention keeps attention's results and recomputes the rest of each half, in two segments.
std::string segmented() {
  std::string attention =
      std::string(R"mlir(
  %s1:3 = drawloom.segment(%h0, %g1, %b1, %wqkv, %bqkv, %wp, %bp, %rng) {kept = 2 : i64, drawloom.label = "first"} : (tensor<2x7x8xf64>, tensor<8xf64>, tensor<8xf64>, tensor<24x8xf64>, tensor<24xf64>, tensor<8x8xf64>, tensor<8xf64>, tensor<2xi64>) -> (tensor<2x7x8xf64>, tensor<2x7x8xf64>, tensor<2x2x7xf64>) {
  ^bb0(%x: tensor<2x7x8xf64>, %g1_: tensor<8xf64>, %b1_: tensor<8xf64>, %wqkv_: tensor<24x8xf64>, %bqkv_: tensor<24xf64>, %wp_: tensor<8x8xf64>, %bp_: tensor<8xf64>, %rng_: tensor<2xi64>):
)mlir") +
      kAttentionHalf +
      "  drawloom.yield %y, %a, %lse : tensor<2x7x8xf64>, tensor<2x7x8xf64>, tensor<2x2x7xf64>\n  }\n";
  std::string feedForward = std::string(R"mlir(
  %s2 = drawloom.segment(%s1#0, %g2, %b2, %w1, %c1, %w2, %c2, %rng) {drawloom.label = "second"} : (tensor<2x7x8xf64>, tensor<8xf64>, tensor<8xf64>, tensor<12x8xf64>, tensor<12xf64>, tensor<8x12xf64>, tensor<8xf64>, tensor<2xi64>) -> tensor<2x7x8xf64> {
  ^bb0(%y: tensor<2x7x8xf64>, %g2_: tensor<8xf64>, %b2_: tensor<8xf64>, %w1_: tensor<12x8xf64>, %c1_: tensor<12xf64>, %w2_: tensor<8x12xf64>, %c2_: tensor<8xf64>, %rng_: tensor<2xi64>):
)mlir") + kFeedForwardHalf + "  drawloom.yield %z : tensor<2x7x8xf64>\n  }\n";
  for (std::string name : {"g1", "b1", "wqkv", "bqkv", "wp", "bp", "rng"}) {
    size_t body = attention.find("%n1");
    std::string inside = attention.substr(body);
    for (std::string end : {",", " "}) inside = replaceAll(inside, "%" + name + end, "%" + name + "_" + end);
    attention = attention.substr(0, body) + inside;
  }
  for (std::string name : {"g2", "b2", "w1", "c1", "w2", "c2", "rng"}) {
    size_t body = feedForward.find("%n2");
    std::string inside = feedForward.substr(body);
    for (std::string end : {",", " "}) inside = replaceAll(inside, "%" + name + end, "%" + name + "_" + end);
    feedForward = feedForward.substr(0, body) + inside;
  }
  return std::string("func.func @segmented") + kArguments + attention + feedForward +
         replaceAll(kLoss, "%out", "%s2");
}

std::vector<Tensor> arguments(mlir::func::FuncOp f) {
  std::vector<Tensor> args = {Tensor::randomIntegers({2, 7}, 1, 6), Tensor::randomIntegers({2, 7}, 2, 5),
                              Tensor::ofIntegers({2}, {7, 3})};
  for (unsigned k = args.size(); k < f.getNumArguments(); ++k)
    args.push_back(
        Tensor::random(llvm::cast<mlir::RankedTensorType>(f.getArgumentTypes()[k]).getShape(), 10 + k, 0.8));
  return args;
}

class SegmentTest : public DialectTest {
protected:
  SegmentTest() : module(parse(plain() + segmented())) {}

  mlir::func::FuncOp function(llvm::StringRef name) { return module->lookupSymbol<mlir::func::FuncOp>(name); }

  template <typename Op> int count(mlir::Operation *root) {
    int found = 0;
    root->walk([&](Op) { ++found; });
    return found;
  }

  mlir::OwningOpRef<mlir::ModuleOp> module;
};

} // namespace

TEST_F(SegmentTest, TheBlocksGradientAgreesWithCentralDifferences) {
  auto errors = checkGradients(function("plain"), arguments(function("plain")));
  ASSERT_TRUE(succeeded(errors));
  ASSERT_EQ(errors->size(), 15u);
  for (GradientError e : *errors) EXPECT_LE(e.error, 1e-6) << "argument " << e.argument;
}

TEST_F(SegmentTest, RecomputedGradientsHaveTheSameBits) {
  auto args = arguments(function("plain"));
  EXPECT_EQ(run(*module, "plain", args)[0].values, run(*module, "segmented", args)[0].values);
  ASSERT_TRUE(succeeded(buildGradientFunction(function("plain"), "plain_gradient")));
  ASSERT_TRUE(succeeded(buildGradientFunction(function("segmented"), "segmented_gradient")));
  ASSERT_TRUE(succeeded(module->verify()));
  args.push_back(Tensor::random({2, 7}, 99));
  auto expected = run(*module, "plain_gradient", args), found = run(*module, "segmented_gradient", args);
  ASSERT_EQ(expected.size(), 15u);
  ASSERT_EQ(found.size(), expected.size());
  for (size_t k = 0; k < expected.size(); ++k)
    EXPECT_EQ(found[k].values, expected[k].values) << "gradient " << k;
}

TEST_F(SegmentTest, KeptAttentionIsNotRecomputed) {
  auto gradient = buildGradientFunction(function("segmented"), "segmented_gradient");
  ASSERT_TRUE(succeeded(gradient));
  int recomputes = 0;
  gradient->walk([&](RecomputeOp op) {
    ++recomputes;
    EXPECT_EQ(count<AttentionOp>(op), 0);
  });
  EXPECT_EQ(recomputes, 2);
  EXPECT_EQ(count<AttentionOp>(*gradient), 1); // in the forward segment
  EXPECT_EQ(count<AttentionGradOp>(*gradient), 1);
}

TEST_F(SegmentTest, RecomputeHoldsOnlyWhatItsGradientsNeed) {
  auto gradient = buildGradientFunction(function("segmented"), "segmented_gradient");
  ASSERT_TRUE(succeeded(gradient));
  gradient->walk([&](RecomputeOp op) {
    for (mlir::Value argument : op.getBody().getArguments()) EXPECT_FALSE(argument.use_empty());
    for (mlir::Operation &inner : op.getBody().front().without_terminator()) EXPECT_FALSE(inner.use_empty());
  });
  // The last linear of each half, its dropout and the residual sum are not needed again.
  gradient->walk([&](RecomputeOp op) { EXPECT_EQ(count<LinearOp>(op), 1); });
}

TEST_F(SegmentTest, GradientOpsCarryTheLabelAndSegmentOfTheirOp) {
  auto gradient = buildGradientFunction(function("plain"), "plain_gradient");
  ASSERT_TRUE(succeeded(gradient));
  gradient->walk([&](AttentionGradOp op) {
    EXPECT_EQ(op->getAttrOfType<mlir::StringAttr>(kLabelAttr).getValue(), "attention.grad");
    EXPECT_EQ(op->getAttrOfType<mlir::StringAttr>(kSegmentAttr).getValue(), "first");
  });
  gradient->walk([&](EmbedGradOp op) {
    EXPECT_EQ(op->getAttrOfType<mlir::StringAttr>(kLabelAttr).getValue(), "embed.grad");
  });
}
