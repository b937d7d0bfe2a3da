// The passes of the graph phase keep what a model means, and what is recomputed changes no bit.
#include "Support.h"

using namespace mlir;
using namespace drawloom;

namespace {

/// Two layers: ragged n, heads with patterns of their own, dropout, a parameter used in both layers.
std::string lossText() {
  std::string text =
      R"(func.func @loss(%emb: tensor<6x8xf32> {drawloom.name = "emb", drawloom.role = "parameter"}, %g: tensor<8xf32> {drawloom.name = "g", drawloom.role = "parameter"},
    %wq: tensor<24x8xf32> {drawloom.name = "wq", drawloom.role = "parameter"}, %bq: tensor<24xf32> {drawloom.name = "bq", drawloom.role = "parameter"},
    %w1: tensor<12x8xf32> {drawloom.name = "w1", drawloom.role = "parameter"}, %w2: tensor<8x12xf32> {drawloom.name = "w2", drawloom.role = "parameter"},
    %out: tensor<5x8xf32> {drawloom.name = "out", drawloom.role = "parameter"}, %tokens: tensor<2x7xi32> {drawloom.name = "tokens", drawloom.role = "io"},
    %targets: tensor<2x7xi32> {drawloom.name = "targets", drawloom.role = "io"}, %rng: tensor<2xi64> {drawloom.name = "rng", drawloom.role = "io"})
    -> (tensor<2x7xf32> {drawloom.name = "nll"}) {
  %h0 = drawloom.embed %tokens, %emb positions () divisors [] : (tensor<2x7xi32>, tensor<6x8xf32>) -> tensor<2x7x8xf32>
)";
  for (int layer = 0; layer < 2; ++layer) {
    std::string k = std::to_string(layer), next = std::to_string(layer + 1);
    std::string att = "drawloom.segment = \"layers." + k + ".attention\"",
                ff = "drawloom.segment = \"layers." + k + ".ff\"";
    text += "%n" + k + ", %m" + k + ", %r" + k + " = drawloom.layer_norm %h" + k + ", %g, %g {" + att +
            "} : (tensor<2x7x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x7x8xf32>, tensor<2x7xf32>, "
            "tensor<2x7xf32>)\n";
    text += "%qkv" + k + " = drawloom.linear %n" + k + ", %wq bias %bq {" + att +
            "} : (tensor<2x7x8xf32>, tensor<24x8xf32>, tensor<24xf32>) -> tensor<2x7x24xf32>\n";
    text += "%q" + k + ", %k" + k + ", %v" + k + " = drawloom.split %qkv" + k + " {" + att +
            "} : (tensor<2x7x24xf32>) -> (tensor<2x7x8xf32>, tensor<2x7x8xf32>, tensor<2x7x8xf32>)\n";
    text += "%o" + k + ", %l" + k + " = drawloom.attention %q" + k + ", %k" + k + ", %v" + k + " {" + att +
            ", drawloom.keep, pattern = #drawloom.pattern<\"heads(strided(3), fixed(4, c=2))\">, heads = 2 : "
            "i64, scale = 0.5 : f64} : (tensor<2x7x8xf32>, tensor<2x7x8xf32>, tensor<2x7x8xf32>) -> "
            "(tensor<2x7x8xf32>, tensor<2x2x7xf32>)\n";
    text += "%d" + k + " = drawloom.dropout %o" + k + ", %rng {" + att + ", rate = 0.25 : f64, site = " + k +
            " : i64} : (tensor<2x7x8xf32>, tensor<2xi64>) -> tensor<2x7x8xf32>\n";
    text += "%a" + k + " = drawloom.add %h" + k + ", %d" + k + " {" + att + "} : tensor<2x7x8xf32>\n";
    text += "%f" + k + " = drawloom.linear %a" + k + ", %w1 {" + ff +
            "} : (tensor<2x7x8xf32>, tensor<12x8xf32>) -> tensor<2x7x12xf32>\n";
    text += "%e" + k + " = drawloom.gelu %f" + k + " {" + ff + "} : tensor<2x7x12xf32>\n";
    text += "%b" + k + " = drawloom.linear %e" + k + ", %w2 {" + ff +
            "} : (tensor<2x7x12xf32>, tensor<8x12xf32>) -> tensor<2x7x8xf32>\n";
    text += "%h" + next + " = drawloom.add %a" + k + ", %b" + k + " {" + ff + "} : tensor<2x7x8xf32>\n";
  }
  return text + R"(
  %logits = drawloom.linear %h2, %out : (tensor<2x7x8xf32>, tensor<5x8xf32>) -> tensor<2x7x5xf32>
  %nll = drawloom.cross_entropy %logits, %targets : (tensor<2x7x5xf32>, tensor<2x7xi32>) -> tensor<2x7xf32>
  return %nll : tensor<2x7xf32>
})";
}

struct Meaning : test::Passes {
  std::vector<Tensor> arguments(func::FuncOp func) {
    std::vector<Tensor> args;
    for (auto [k, type] : llvm::enumerate(func.getArgumentTypes())) {
      auto tensor = cast<RankedTensorType>(type);
      args.push_back(isa<FloatType>(tensor.getElementType())
                         ? Tensor::random(tensor.getShape(), 10 + k)
                         : Tensor::randomIntegers(tensor.getShape(), 10 + k, 5));
    }
    return args;
  }

  std::vector<Tensor> gradients(ModuleOp module) {
    auto results =
        Interpreter(module).run("gradient", arguments(module.lookupSymbol<func::FuncOp>("gradient")));
    EXPECT_TRUE(succeeded(results));
    return succeeded(results) ? *results : std::vector<Tensor>();
  }

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
