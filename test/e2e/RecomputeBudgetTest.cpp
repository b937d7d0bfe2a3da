// memory.recompute = "auto": the choice fits, and no choice of modes for the layers that fits is cheaper.
#include "codegen/RecomputeBudget.h"
#include "codegen/Compiler.h"
#include "frontend/build/BuildModel.h"
#include "frontend/spec/Spec.h"
#include "passes/Names.h"
#include "runtime/support/Error.h"
#include <fmt/format.h>
#include <gtest/gtest.h>

using namespace mlir;
using namespace drawloom;

namespace {

constexpr int64_t kLayers = 3;

struct RecomputeBudget : ::testing::Test {
  RecomputeBudget() {
    registerCompiler(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    model = buildModel(context, spec::Spec::parse(fmt::format(R"toml([model]
name = "test"
n = 96
layers = {}
heads = 2
d = 32
ff = 48
dropout = 0.1
[attention]
layers = ["column(12)", "local(12)"]
[data]
batch = 2
[train]
steps = 10
)toml",
                                                              kLayers),
                                                  "test.toml"));
  }

  RecomputeChoice choose(int64_t budget) {
    auto choice = chooseRecompute(*model, {}, budget);
    EXPECT_TRUE(succeeded(choice));
    return succeeded(choice) ? *choice : RecomputeChoice();
  }

  /// Bytes of all arenas but decoding's with these modes.
  int64_t bytesOf(const std::string &modes) {
    OwningOpRef<ModuleOp> module = model->clone();
    CompileOptions options;
    options.recompute = modes;
    options.stopAfter = "memory";
    EXPECT_TRUE(succeeded(compileToArtifact(*module, options)));
    int64_t sum = 0;
    for (NamedAttribute arena : (*module)->getAttrOfType<DictionaryAttr>(kArenaBytesAttr))
      if (arena.getName() != "state") sum += cast<IntegerAttr>(arena.getValue()).getInt();
    return sum;
  }

  /// Every list of modes, in no order.
  static std::vector<std::string> allModes() {
    std::vector<std::string> lists{""};
    for (int64_t k = 0; k < kLayers; ++k) {
      std::vector<std::string> longer;
      for (const std::string &list : lists)
        for (const char *mode : {"none", "elementwise", "attention", "block"})
          longer.push_back(list + (k ? "," : "") + mode);
      lists = longer;
    }
    return lists;
  }

  /// Layers are alike, so a list costs what its modes cost.
  static double cost(const std::string &modes, double attention, double block) {
    double sum = 0;
    for (size_t at = 0; (at = modes.find("attention", at)) != std::string::npos; ++at) sum += attention;
    for (size_t at = 0; (at = modes.find("block", at)) != std::string::npos; ++at) sum += block;
    return sum;
  }

  DialectRegistry registry;
  MLIRContext context{MLIRContext::Threading::DISABLED};
  OwningOpRef<ModuleOp> model;
};

TEST_F(RecomputeBudget, EnoughMemoryMeansNoRecomputation) {
  RecomputeChoice choice = choose(bytesOf("none"));
  EXPECT_EQ(choice.pipelineOption(), "none,none,none");
  EXPECT_EQ(choice.addedFlops, 0);
  EXPECT_EQ(choice.plans, 1u);
  EXPECT_NE(choice.describe().find("layers 0-2 nothing: "), std::string::npos) << choice.describe();
}

TEST_F(RecomputeBudget, ElementwiseValuesGoFirst) {
  RecomputeChoice choice = choose(bytesOf("none") - 1);
  EXPECT_EQ(choice.pipelineOption(), "elementwise,elementwise,elementwise");
  EXPECT_EQ(choice.bytes, bytesOf("elementwise"));
  EXPECT_EQ(choice.plans, 2u);
}

TEST_F(RecomputeBudget, TheChoiceFitsAndNoneThatFitsIsCheaper) {
  std::vector<std::pair<std::string, int64_t>> all;
  for (const std::string &modes : allModes()) all.emplace_back(modes, bytesOf(modes));
  int64_t none = bytesOf("none"), block = bytesOf("block");
  ASSERT_LT(block, none);
  double attentionCost = 0, blockCost = 0;
  {
    RecomputeChoice most = choose(block);
    ASSERT_NE(most.modes.front(), "none");
    // 2 flops a multiply-add: attention makes q, k, v again, a block also the projection and ff1.
    double tokens = 2 * 96, d = 32, ff = 48;
    attentionCost = 2 * tokens * d * 3 * d;
    blockCost = attentionCost + 2 * tokens * d * (d + ff);
    EXPECT_NEAR(most.addedFlops, cost(most.pipelineOption(), attentionCost, blockCost),
                0.2 * most.addedFlops);
  }
  for (int step = 0; step <= 8; ++step) {
    int64_t budget = block + (none - 1 - block) * step / 8;
    RecomputeChoice choice = choose(budget);
    EXPECT_LE(choice.bytes, budget);
    EXPECT_EQ(choice.bytes, bytesOf(choice.pipelineOption())) << choice.describe();
    EXPECT_EQ(choice.savedBytes, none - choice.bytes);
    for (auto &[modes, bytes] : all)
      if (bytes <= budget)
        EXPECT_LE(cost(choice.pipelineOption(), attentionCost, blockCost),
                  cost(modes, attentionCost, blockCost) + 1)
            << "budget " << budget << ": " << modes << " takes " << bytes
            << "; chosen: " << choice.describe();
  }
}

TEST_F(RecomputeBudget, AttentionRunsAgainWhereNothingElseFits) {
  int64_t block = bytesOf("block"), all = bytesOf("all");
  ASSERT_LT(all, block);
  double blocks = choose(block).addedFlops;
  for (int64_t budget : {all, (all + block) / 2, block - 1}) {
    RecomputeChoice choice = choose(budget);
    EXPECT_LE(choice.bytes, budget);
    EXPECT_EQ(choice.bytes, bytesOf(choice.pipelineOption()));
    EXPECT_EQ(choice.modes.front(), "all") << choice.describe();
    EXPECT_GT(choice.addedFlops, blocks);
  }
  EXPECT_NE(choose(block - 1).modes.back(), "all") << "no more than needed";
  EXPECT_EQ(choose(block).pipelineOption().find("all"), std::string::npos);
}

TEST_F(RecomputeBudget, ABudgetThatCannotBeMetIsAnErrorThatNamesTheSmallest) {
  int64_t smallest = bytesOf("all");
  try {
    (void)chooseRecompute(*model, {}, smallest - 1);
    FAIL();
  } catch (const Error &e) {
    EXPECT_EQ(e.exitCode, kBadInput);
    std::string hint = fmt::format("memory.budget = \"{}MiB\"", (smallest + (1 << 20) - 1) >> 20);
    EXPECT_NE(e.text().find(hint), std::string::npos) << e.text();
    EXPECT_NE(e.text().find("cannot be met"), std::string::npos) << e.text();
  }
}

TEST_F(RecomputeBudget, TheModelStaysAsItIs) {
  std::string before, after;
  llvm::raw_string_ostream(before) << *model;
  choose(bytesOf("block"));
  llvm::raw_string_ostream(after) << *model;
  EXPECT_EQ(before, after);
}

} // namespace
