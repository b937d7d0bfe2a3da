// Products with epilogues: the graph means the same, and the same products have the same epilogues whatever
// is recomputed.
#include "passes/graph/ProductEpilogue.h"
#include "Support.h"

using namespace mlir;
using namespace drawloom;

namespace {

/// Two layers of norm, a branch of inner width 16 with biases, dropout and a residual, all of width D; a
/// parameter that both layers use.
std::string lossText(int width) {
  std::string text =
      R"(func.func @loss(%g: tensor<Dxf32> {drawloom.name = "g", drawloom.role = "parameter"},
    %w1: tensor<16xDxf32> {drawloom.name = "w1", drawloom.role = "parameter"}, %b1: tensor<16xf32> {drawloom.name = "b1", drawloom.role = "parameter"},
    %w2: tensor<Dx16xf32> {drawloom.name = "w2", drawloom.role = "parameter"}, %b2: tensor<Dxf32> {drawloom.name = "b2", drawloom.role = "parameter"},
    %out: tensor<5xDxf32> {drawloom.name = "out", drawloom.role = "parameter"}, %emb: tensor<6xDxf32> {drawloom.name = "emb", drawloom.role = "parameter"},
    %tokens: tensor<2x7xi32> {drawloom.name = "tokens", drawloom.role = "io"}, %targets: tensor<2x7xi32> {drawloom.name = "targets", drawloom.role = "io"},
    %rng: tensor<2xi64> {drawloom.name = "rng", drawloom.role = "io"}) -> (tensor<2x7xf32> {drawloom.name = "nll"}) {
  %h0 = drawloom.embed %tokens, %emb positions () divisors [] : (tensor<2x7xi32>, tensor<6xDxf32>) -> tensor<2x7xDxf32>
)";
  for (int layer = 0; layer < 2; ++layer) {
    std::string k = std::to_string(layer), next = std::to_string(layer + 1);
    std::string ff = "{drawloom.segment = \"layers." + k + ".ff\", drawloom.label = \"layers." + k + ".ff\"";
    text += "%n" + k + ", %m" + k + ", %r" + k + " = drawloom.layer_norm %h" + k + ", %g, %g " + ff +
            "} : (tensor<2x7xDxf32>, tensor<Dxf32>, tensor<Dxf32>) -> (tensor<2x7xDxf32>, tensor<2x7xf32>, "
            "tensor<2x7xf32>)\n";
    text += "%u" + k + " = drawloom.linear %n" + k + ", %w1 bias %b1 " + ff +
            "} : (tensor<2x7xDxf32>, tensor<16xDxf32>, tensor<16xf32>) -> tensor<2x7x16xf32>\n";
    text += "%e" + k + " = drawloom.gelu %u" + k + " " + ff + "} : tensor<2x7x16xf32>\n";
    text += "%f" + k + " = drawloom.linear %e" + k + ", %w2 bias %b2 " + ff +
            "} : (tensor<2x7x16xf32>, tensor<Dx16xf32>, tensor<Dxf32>) -> tensor<2x7xDxf32>\n";
    text += "%d" + k + " = drawloom.dropout %f" + k + ", %rng " + ff + ", rate = 0.25 : f64, site = " + k +
            " : i64} : (tensor<2x7xDxf32>, tensor<2xi64>) -> tensor<2x7xDxf32>\n";
    text += "%h" + next + " = drawloom.add %h" + k + ", %d" + k + " " + ff + "} : tensor<2x7xDxf32>\n";
  }
  text += R"(
  %logits = drawloom.linear %h2, %out : (tensor<2x7xDxf32>, tensor<5xDxf32>) -> tensor<2x7x5xf32>
  %nll = drawloom.cross_entropy %logits, %targets : (tensor<2x7x5xf32>, tensor<2x7xi32>) -> tensor<2x7xf32>
  return %nll : tensor<2x7xf32>
})";
  for (size_t at; (at = text.find('D')) != std::string::npos;) text.replace(at, 1, std::to_string(width));
  return text;
}

struct ProductEpilogues : test::Passes {
  /// The graph phase, with epilogues of products of any size if `fused`.
  OwningOpRef<ModuleOp> graph(const std::string &type, const std::string &mode, bool fused, int width = 8) {
    auto module = parse(lossText(width));
    run(*module, "drawloom-choose-precision{type=" + type + "},drawloom-form-segments{mode=" + mode +
                     "},drawloom-differentiate,drawloom-inline-segments,drawloom-decompose,"
                     "drawloom-accumulate-in-place");
    if (fused) run(*module, "drawloom-fuse-products{target=sm_90a min-rows=1}");
    run(*module, "drawloom-fuse,drawloom-verify-graph");
    return module;
  }

  std::vector<Tensor> gradients(ModuleOp module) {
    auto func = module.lookupSymbol<func::FuncOp>("gradient");
    std::vector<Tensor> args;
    for (auto [k, type] : llvm::enumerate(func.getArgumentTypes())) {
      auto tensor = cast<RankedTensorType>(type);
      args.push_back(isa<FloatType>(tensor.getElementType())
                         ? Tensor::random(tensor.getShape(), 10 + k)
                         : Tensor::randomIntegers(tensor.getShape(), 10 + k, 5));
    }
    auto results = Interpreter(module).run("gradient", args);
    EXPECT_TRUE(succeeded(results));
    return succeeded(results) ? *results : std::vector<Tensor>();
  }

  /// The chains of the module's epilogues, without what is beside them, each with how often it occurs.
  static std::map<std::string, int> epilogues(ModuleOp module) {
    std::map<std::string, int> kinds;
    module.walk([&](FusionOp fusion) {
      MatmulOp product = fusion.getProduct();
      if (!product) return;
      std::string kind = product.getTransposeB() ? "x W^T" : "dy W";
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
    EXPECT_EQ(kinds["x W^T, bias_add, dropout, add"], 1) << mode << ": the last one's, with no norm behind it";
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
