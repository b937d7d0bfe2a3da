// Products with epilogues: the graph means the same, and the same products have the same epilogues whatever
// is recomputed.
#include "passes/graph/ProductEpilogue.h"
#include "LossText.h"
#include "Support.h"

using namespace mlir;
using namespace drawloom;

namespace {

/// Two layers of norm, a branch of inner width 16 with biases, dropout and a residual, all of `width`; a
/// parameter that both layers use.
std::string lossText(int64_t width) {
  test::LossText loss;
  std::string g = loss.parameter("g", {width}), w1 = loss.parameter("w1", {16, width}),
              b1 = loss.parameter("b1", {16}), w2 = loss.parameter("w2", {width, 16}),
              b2 = loss.parameter("b2", {width}), out = loss.parameter("out", {5, width}),
              h = loss.embed(loss.parameter("emb", {6, width}));
  for (int layer = 0; layer < 2; ++layer) {
    loss.segment("layers." + std::to_string(layer) + ".ff");
    std::string inner = loss.gelu(loss.linear(loss.layerNorm(h, g), w1, b1));
    h = loss.add(h, loss.dropout(loss.linear(inner, w2, b2)));
  }
  return loss.finish(h, out);
}

/// Two layers of norm, q, k and v with a bias, attention, a projection and a residual, of `width`; each has
/// q, k and v's parameters for itself.
std::string attentionText(int64_t width = 8, const std::string &pattern = "strided(3)") {
  test::LossText loss;
  std::string g = loss.parameter("g", {width}), proj = loss.parameter("proj", {width, width}),
              out = loss.parameter("out", {5, width}), h = loss.embed(loss.parameter("emb", {6, width}));
  for (int layer = 0; layer < 2; ++layer) {
    std::string number = std::to_string(layer), qkv = loss.parameter("qkv" + number, {3 * width, width}),
                b = loss.parameter("b" + number, {3 * width});
    loss.segment("layers." + number + ".attention");
    std::vector<std::string> parts = loss.split(loss.linear(loss.layerNorm(h, g), qkv, b), 3);
    h = loss.add(h, loss.linear(loss.attention(parts[0], parts[1], parts[2], pattern), proj));
  }
  return loss.finish(h, out);
}

struct ProductEpilogues : test::Passes {
  /// The graph phase, with epilogues of products of any size if `fused`.
  OwningOpRef<ModuleOp> graph(const std::string &type, const std::string &mode, bool fused,
                              int64_t width = 8) {
    return graphOf(lossText(width), type, mode, fused);
  }

  OwningOpRef<ModuleOp> graphOf(const std::string &loss, const std::string &type, const std::string &mode,
                                bool fused) {
    auto module = parse(loss);
    run(*module, "drawloom-choose-precision{type=" + type + "},drawloom-form-segments{mode=" + mode +
                     "},drawloom-differentiate,drawloom-inline-segments,drawloom-decompose,"
                     "drawloom-split-pieces,drawloom-accumulate-in-place");
    if (fused) run(*module, "drawloom-fuse-products{target=sm_90a min-rows=1 library-rate=1e-6}");
    run(*module, "drawloom-fuse,drawloom-verify-graph");
    return module;
  }

  /// The chains of the module's epilogues, without what is beside them, each with how often it occurs.
  static std::map<std::string, int> epilogues(ModuleOp module) {
    std::map<std::string, int> kinds;
    module.walk([&](FusionOp fusion) {
      MatmulOp product = fusion.getProduct();
      if (!product) return;
      std::string kind = product.getTransposeA() ? "dy^T x" : product.getTransposeB() ? "x W^T" : "dy W";
      for (Operation &op : fusion.getBody().front().without_terminator())
        if (&op != product && !isa<ColumnSumOp>(op) && !op.hasAttr(kRepeatAttr))
          kind += ", " + op.getName().stripDialect().str();
      ++kinds[kind];
    });
    return kinds;
  }
};

TEST_F(ProductEpilogues, ChangeNoBit) {
  for (std::string type : {"bf16", "f16"})
    for (std::string mode : {"none", "elementwise", "attention", "block", "all", "block,none"}) {
      for (int width : {8, 64}) {
        auto plain = graph(type, mode, false, width), fused = graph(type, mode, true, width);
        EXPECT_FALSE(epilogues(*fused).empty());
        std::vector<Tensor> expected = gradients(*plain), actual = gradients(*fused);
        ASSERT_EQ(actual.size(), expected.size());
        for (size_t k = 0; k < actual.size(); ++k)
          EXPECT_EQ(actual[k].values, expected[k].values) << type << ", " << mode << ", result " << k;
      }
    }
}

TEST_F(ProductEpilogues, AreTheSameWhateverIsRecomputed) {
  for (std::string mode : {"none", "elementwise", "attention", "block", "all", "block,none"}) {
    auto module = graph("bf16", mode, true);
    std::map<std::string, int> kinds = epilogues(*module);
    int again = mode == "none" || mode == "elementwise" || mode == "attention" ? 0
                : mode == "block,none"                                         ? 1
                                                                               : 2;
    EXPECT_EQ(kinds["x W^T, bias_add, gelu"], 2 + again) << mode;
    EXPECT_EQ(kinds["dy W, gelu_grad"], 2) << mode;
    int sums = 0, lone = 0;
    module->walk([&](ColumnSumOp sum) {
      auto fusion = dyn_cast<FusionOp>(sum->getParentOp());
      sums += fusion && fusion.getProduct() && sum.getInit();
    });
    module->walk([&](GeluOp gelu) { lone += !cast<FusionOp>(gelu->getParentOp()).getProduct(); });
    EXPECT_EQ(sums, 2) << mode << ": the gradient of b1, in place, in two layers";
    EXPECT_EQ(lone, 0) << mode << ": gelu computed again stands beside its gradient";
  }
}

/// Which products are ours decides bits; norms have those of row kernels everywhere.
TEST_F(ProductEpilogues, OfWholeRowsAreTheSameWhateverIsRecomputed) {
  for (std::string mode : {"none", "elementwise", "attention", "block", "all", "block,none"}) {
    std::map<std::string, int> kinds = epilogues(*graph("bf16", mode, true, 64));
    EXPECT_EQ(kinds["x W^T, bias_add, dropout, add, layer_norm"], 1) << mode << ": the first layer's";
    EXPECT_EQ(kinds["x W^T, bias_add, dropout, add"], 1)
        << mode << ": the last one's, with no norm behind it";
  }
}

TEST_F(ProductEpilogues, OfWeightGradientsAreTheSameWhateverIsRecomputed) {
  for (std::string mode : {"none", "elementwise", "attention", "block", "all", "block,none"}) {
    auto module = graphOf(attentionText(), "bf16", mode, true);
    EXPECT_EQ(epilogues(*module)["dy^T x"], 2) << mode << ": q, k and v in two layers";
    int inPlace = 0;
    module->walk([&](FusionOp fusion) {
      MatmulOp product = fusion.getProduct();
      if (!product || !product.getTransposeA()) return;
      auto sum = dyn_cast<ColumnSumOp>(product->getNextNode());
      inPlace += product.getInit() && sum && sum.getInit();
    });
    EXPECT_EQ(inPlace, 2) << mode << ": both are added to what was accumulated";
    std::vector<Tensor> expected = gradients(*graphOf(attentionText(), "bf16", mode, false)),
                        actual = gradients(*module);
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t k = 0; k < actual.size(); ++k)
      EXPECT_EQ(actual[k].values, expected[k].values) << mode << ", result " << k;
  }
}

/// The first piece meets one of two heads, so delta would be a launch; the other one makes it itself.
TEST_F(ProductEpilogues, OfDeltaAreTheSameWhateverIsRecomputed) {
  for (std::string mode : {"none", "elementwise", "attention", "block", "all", "block,none"})
    for (auto [pattern, count] : {std::pair("heads(fixed(3, c=1), fixed(2, c=1))", 2), {"strided(3)", 0}}) {
      std::string loss = attentionText(32, pattern);
      auto module = graphOf(loss, "bf16", mode, true);
      EXPECT_EQ(epilogues(*module)["dy W, attention_delta"], count) << mode << ", " << pattern;
      std::vector<Tensor> expected = gradients(*graphOf(loss, "bf16", mode, false)),
                          actual = gradients(*module);
      ASSERT_EQ(actual.size(), expected.size());
      for (size_t k = 0; k < actual.size(); ++k)
        EXPECT_EQ(actual[k].values, expected[k].values) << mode << ", " << pattern << ", result " << k;
    }
}

/// A norm's gradient goes with the product that makes what it reads, in every mode. What it goes through next
/// does where it stands in the same region: there are more sums of their own then.
TEST_F(ProductEpilogues, OfNormsGradientsAreTheSameWhateverIsRecomputed) {
  for (std::string mode : {"none", "elementwise", "attention", "block", "all", "block,none"}) {
    auto module = graph("bf16", mode, true, 64);
    int behind = 0, norms = 0, residuals = 0, sums = 0, lone = 0;
    module->walk([&](LayerNormGradOp op) {
      ++norms;
      auto fusion = dyn_cast<FusionOp>(op->getParentOp());
      if (!fusion || !fusion.getProduct()) return;
      Block &body = fusion.getBody().front();
      behind += op.getDout().getDefiningOp() == fusion.getProduct();
      residuals += !body.getOps<AddOp>().empty();
      sums += !body.getOps<ColumnSumOp>().empty();
    });
    module->walk([&](DropoutOp op) {
      auto fusion = dyn_cast<FusionOp>(op->getParentOp());
      lone += !fusion || !fusion.getProduct();
    });
    EXPECT_EQ(norms, 2) << mode;
    EXPECT_EQ(behind, 2) << mode;
    EXPECT_EQ(residuals, 2) << mode;
    // The last layer's dropout reads no gradient of a norm; the first one's may stand in another region than
    // what it reads.
    bool isWhole = mode == "none" || mode == "elementwise" || mode == "attention";
    EXPECT_EQ(sums, isWhole ? 1 : 0) << mode;
    EXPECT_EQ(lone, isWhole ? 1 : 2) << mode;
  }
}

TEST_F(ProductEpilogues, PayIfTheBytesTakeLongerThanWhatIsLost) {
  ProductRates rates{600e12, 300e12, 2e12}; // 10^12 operations lose 1.67 ms, 10^9 bytes take 0.5 ms
  EXPECT_FALSE(paysForItself(1e9, 1e12, rates));
  EXPECT_TRUE(paysForItself(4e9, 1e12, rates));
  EXPECT_TRUE(paysForItself(1, 1e12, {600e12, 600e12, 2e12}));
  EXPECT_FALSE(paysForItself(-1, 1e12, {600e12, 600e12, 2e12}));
  EXPECT_TRUE(paysForItself(0, 1e12, {600e12, 700e12, 2e12}));
}

} // namespace
