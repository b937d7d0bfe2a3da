// The passes of the graph phase keep what a model means, and what is recomputed changes no bit.
#include "LossText.h"
#include "Support.h"

using namespace mlir;
using namespace drawloom;

namespace {

/// Two layers: ragged n, heads with patterns of their own, dropout, a parameter used in both layers.
std::string lossText() {
  test::LossText loss;
  std::string emb = loss.parameter("emb", {6, 8}), g = loss.parameter("g", {8}),
              wq = loss.parameter("wq", {24, 8}), bq = loss.parameter("bq", {24}),
              w1 = loss.parameter("w1", {12, 8}), w2 = loss.parameter("w2", {8, 12}),
              out = loss.parameter("out", {5, 8}), h = loss.embed(emb);
  for (int layer = 0; layer < 2; ++layer) {
    std::string name = "layers." + std::to_string(layer);
    loss.segment(name + ".attention");
    auto qkv = loss.split(loss.linear(loss.layerNorm(h, g), wq, bq), 3);
    std::string attended = loss.attention(qkv[0], qkv[1], qkv[2], "heads(strided(3), fixed(4, c=2))");
    h = loss.add(h, loss.dropout(attended));
    loss.segment(name + ".ff");
    h = loss.add(h, loss.linear(loss.gelu(loss.linear(h, w1)), w2));
  }
  return loss.finish(h, out);
}

struct Meaning : test::Passes {
  void expectSame(const std::vector<Tensor> &actual, const std::vector<Tensor> &expected, double tolerance,
                  const std::string &what) {
    ASSERT_EQ(actual.size(), expected.size()) << what;
    for (size_t k = 0; k < actual.size(); ++k)
      EXPECT_LE(relativeError(actual[k], expected[k]), tolerance) << what << ", result " << k;
  }
};

constexpr const char *kRest[] = {"drawloom-inline-segments", "drawloom-decompose", "drawloom-split-pieces",
                                 "drawloom-accumulate-in-place", "drawloom-fuse"};

TEST_F(Meaning, EveryPassOfTheGraphPhaseKeepsIt) {
  for (std::string mode : {"none", "elementwise", "attention", "block", "all"}) {
    auto module = parse(lossText());
    run(*module, "drawloom-form-segments{mode=" + mode + "},drawloom-differentiate");
    std::vector<Tensor> expected = gradients(*module);
    for (std::string pass : kRest) {
      run(*module, pass);
      bool sumsInAnotherOrder = pass == "drawloom-split-pieces" || pass == "drawloom-accumulate-in-place";
      expectSame(gradients(*module), expected, sumsInAnotherOrder ? 1e-13 : 0, mode + ", " + pass);
      expected = gradients(*module);
    }
  }
}

TEST_F(Meaning, WhatIsRecomputedChangesNoBit) {
  std::vector<Tensor> expected;
  for (std::string mode : {"none", "elementwise", "attention", "block", "all"}) {
    auto module = parse(lossText());
    run(*module, "drawloom-form-segments{mode=" + mode + "},drawloom-differentiate");
    for (std::string pass : kRest) run(*module, pass);
    if (mode == "none") expected = gradients(*module);
    expectSame(gradients(*module), expected, 0, mode);
  }
}

TEST_F(Meaning, TheSameProductsAreAccumulatedInPlaceWhateverIsRecomputed) {
  std::vector<int> counts;
  for (std::string mode : {"none", "elementwise", "attention", "block", "all"}) {
    auto module = parse(lossText());
    run(*module, "drawloom-form-segments{mode=" + mode + "},drawloom-differentiate");
    for (std::string pass : kRest) run(*module, pass);
    int products = 0, sums = 0;
    module->walk([&](MatmulOp op) { products += bool(op.getInit()); });
    module->walk([&](ColumnSumOp op) { sums += bool(op.getInit()); });
    EXPECT_EQ(products, 7) << mode << ": wq, w1 and w2 in two layers, and out";
    EXPECT_EQ(sums, 2) << mode << ": bq in two layers";
  }
}

TEST_F(Meaning, BiasesInEpiloguesChangeNoBit) {
  auto plain = parse(lossText());
  run(*plain, "drawloom-form-segments,drawloom-differentiate");
  for (std::string pass : kRest) run(*plain, pass);
  std::vector<Tensor> expected = gradients(*plain);
  for (std::string type : {"f32", "bf16"})
    for (std::string mode : {"none", "elementwise", "attention", "block"}) {
      auto module = parse(lossText());
      run(*module, "drawloom-choose-precision{type=" + type +
                       "},drawloom-fuse-epilogues,drawloom-form-segments{mode=" + mode +
                       "},drawloom-differentiate");
      for (std::string pass : kRest) run(*module, pass);
      expectSame(gradients(*module), expected, type == "f32" ? 0 : 1e-13, type + ", " + mode);
      int products = 0;
      module->walk([&](MatmulOp op) { products += bool(op.getBias()); });
      EXPECT_GE(products, 2) << "q, k and v of two layers: " << type << ", " << mode;
    }
}

TEST_F(Meaning, PrecisionChangesTypesAlone) {
  auto plain = parse(lossText());
  run(*plain, "drawloom-form-segments,drawloom-differentiate");
  for (std::string pass : kRest) run(*plain, pass);
  std::vector<Tensor> expected = gradients(*plain);
  for (std::string type : {"bf16", "f16"})
    for (std::string mode : {"none", "elementwise", "attention", "block", "block,none", "all"}) {
      auto module = parse(lossText());
      run(*module, "drawloom-choose-precision{type=" + type + "},drawloom-form-segments{mode=" + mode +
                       "},drawloom-differentiate");
      for (std::string pass : kRest) run(*module, pass);
      expectSame(gradients(*module), expected, 1e-13, type + ", " + mode);
      int products = 0, sums = 0, rounded = 0;
      module->walk([&](MatmulOp op) {
        bool isF32 = getElementTypeOrSelf(op.getOut()).isF32();
        products += isF32 && op.getTransposeA(); // dW = dY^T X
        rounded += op.getTransposeA() && !isF32;
      });
      module->walk(
          [&](ColumnSumOp op) { sums += op.getInit() && getElementTypeOrSelf(op.getOut()).isF32(); });
      EXPECT_EQ(products, 7) << type << ", " << mode;
      EXPECT_EQ(sums, 2) << type << ", " << mode;
      EXPECT_EQ(rounded, 0) << "derivatives of weights in 16 bits; " << type << ", " << mode;
    }
}

TEST_F(Meaning, AttentionIsNotRecomputed) {
  auto module = parse(lossText());
  run(*module, "drawloom-form-segments{mode=block},drawloom-differentiate");
  int inside = 0;
  module->walk([&](AttentionOp op) { inside += isa<RecomputeOp>(op->getParentOp()); });
  EXPECT_EQ(inside, 0);
}

} // namespace
