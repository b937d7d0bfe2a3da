// Fusion of random graphs: still a graph without cycles, still the same bits, nothing twice.
#include "Support.h"

using namespace mlir;
using namespace drawloom;

namespace {

/// A random function of row ops, products and column sums on [2, 3, 4] and [4] tensors.
std::string randomGraph(std::mt19937 &random, int ops) {
  std::vector<std::string> rows = {"%x", "%y"}, vectors = {"%v"};
  std::string text = "func.func @f(%x: tensor<2x3x4xf32>, %y: tensor<2x3x4xf32>, %v: tensor<4xf32>, %w: "
                     "tensor<4x4xf32>) -> (RESULTS) {\n";
  const std::string R = "tensor<2x3x4xf32>", V = "tensor<4xf32>";
  auto pick = [&](const std::vector<std::string> &from) { return from[random() % from.size()]; };
  for (int k = 0; k < ops; ++k) {
    std::string name = "%r" + std::to_string(k), a = pick(rows), b = pick(rows), v = pick(vectors);
    switch (random() % 7) {
    case 0: text += name + " = drawloom.add " + a + ", " + b + " : " + R + "\n"; break;
    case 1: text += name + " = drawloom.gelu " + a + " : " + R + "\n"; break;
    case 2:
      text += name + " = drawloom.bias_add " + a + ", " + v + " : (" + R + ", " + V + ") -> " + R + "\n";
      break;
    case 3:
      text += name + " = drawloom.matmul " + a + ", %w : (" + R + ", tensor<4x4xf32>) -> " + R + "\n";
      break;
    case 4: text += name + " = drawloom.gelu_grad " + a + ", " + b + " : " + R + "\n"; break;
    case 5:
      text += "%s" + std::to_string(k) + " = drawloom.column_sum " + a + " : (" + R + ") -> " + V + "\n";
      vectors.push_back("%s" + std::to_string(k));
      continue;
    case 6:
      text += name + ", %m" + name.substr(1) + ", %t" + name.substr(1) + " = drawloom.layer_norm " + a +
              ", " + v + ", " + v + " : (" + R + ", " + V + ", " + V + ") -> (" + R +
              ", tensor<2x3xf32>, tensor<2x3xf32>)\n";
      break;
    }
    rows.push_back(name);
  }
  std::vector<std::string> returned = {rows.back(), vectors.back(), pick(rows)};
  text.replace(text.find("RESULTS"), 7, R + ", " + V + ", " + R);
  return text + "return " + returned[0] + ", " + returned[1] + ", " + returned[2] + " : " + R + ", " + V +
         ", " + R + "\n}";
}

struct Fusion : test::Passes {};

/// Whether the fusion's result `number` is a row with a bias: later fusions may make it again rather than read it.
bool isBiasedRow(FusionOp fusion, unsigned number) {
  return bool(fusion.getBody().front().getTerminator()->getOperand(number).getDefiningOp<BiasAddOp>());
}

TEST_F(Fusion, OfRandomGraphsKeepsEveryBitAndEveryOp) {
  std::mt19937 random(7);
  int fusions = 0;
  for (int trial = 0; trial < 150; ++trial) {
    auto module = parse(randomGraph(random, 2 + random() % 25));
    std::vector<Tensor> args = {Tensor::random({2, 3, 4}, 1), Tensor::random({2, 3, 4}, 2),
                                Tensor::random({4}, 3), Tensor::random({4, 4}, 4)};
    auto before = Interpreter(*module).run("f", args);
    auto count = [&] {
      int ops = 0;
      module->walk([&](Operation *op) { ops += !isa<FusionOp, YieldOp, BiasAddOp>(op); });
      return ops;
    };
    int opsBefore = count();
    std::string source = print(*module);
    run(*module, "drawloom-fuse"); // the verifier checks that definitions stand before uses
    auto after = Interpreter(*module).run("f", args);
    ASSERT_TRUE(succeeded(before) && succeeded(after)) << source;
    for (size_t k = 0; k < before->size(); ++k) EXPECT_EQ((*before)[k].values, (*after)[k].values) << source;
    EXPECT_EQ(count(), opsBefore) << source;
    module->walk([&](FusionOp fusion) {
      ++fusions;
      for (OpResult result : fusion->getResults())
        EXPECT_FALSE(result.use_empty() && !isBiasedRow(fusion, result.getResultNumber())) << source;
      EXPECT_GE(std::distance(fusion.getBody().front().begin(), fusion.getBody().front().end()), 3) << source;
    });
  }
  EXPECT_GT(fusions, 200);
}

TEST_F(Fusion, TakesWhatItCanFromAChain) {
  std::string text = "func.func @f(%x0: tensor<4x3xf32>) -> tensor<4x3xf32> {\n";
  for (int k = 0; k < 50; ++k)
    text += "%x" + std::to_string(k + 1) + " = drawloom.gelu %x" + std::to_string(k) + " : tensor<4x3xf32>\n";
  auto module = parse(text + "return %x50 : tensor<4x3xf32>\n}");
  run(*module, "drawloom-fuse");
  auto &body = module->lookupSymbol<func::FuncOp>("f").getBody().front();
  EXPECT_EQ(std::distance(body.begin(), body.end()), 2) << "one fusion and the return";
}

} // namespace
