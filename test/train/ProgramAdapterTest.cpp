// A loaded artifact as what training works on.
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/train/InitialWeights.h"
#include "test/runtime/TestArtifact.h"
#include "test/train/FakeModel.h"

namespace drawloom::test {
namespace {

/// The test artifact with "counts" as a cache of the decode function.
std::unique_ptr<Program> programWithState() {
  Parts parts = valid();
  auto &counts = *parts.plan.buffers[kCounts];
  counts.arena = plan::Arena::State;
  counts.offset = 0;
  parts.plan.arena_bytes[size_t(plan::Arena::State)] = 8000;
  return Program::fromBytes(assemble(parts), {.threads = 1});
}

TEST(ProgramAdapterTest, RunsFunctionsOnBuffersOfTheProgram) {
  auto program = programWithState();
  ProgramAdapter adapter(*program);
  EXPECT_TRUE(adapter.hasFunction("count"));
  EXPECT_FALSE(adapter.hasFunction("decode"));
  adapter.run("count");
  EXPECT_EQ(adapter.view<int64_t>("counts", 1000)[999], 3);
}

TEST(ProgramAdapterTest, ClearingStateZeroesCachesAndNothingElse) {
  auto program = programWithState();
  ProgramAdapter adapter(*program);
  initializeWeights(adapter.parameters(), 1);
  float weight = adapter.parameters()[0].value[0];
  auto x = adapter.view<float>("x", 40);
  x[5] = 7;
  adapter.run("count");
  adapter.clear(plan::Arena::State);
  for (int64_t c : adapter.view<int64_t>("counts", 1000)) EXPECT_EQ(c, 0);
  EXPECT_NE(weight, 0);
  EXPECT_EQ(adapter.parameters()[0].value[0], weight);
  EXPECT_EQ(x[5], 7);
}

TEST(ProgramAdapterTest, BuffersOfAnotherTypeOrTooSmallAreBadInput) {
  auto program = programWithState();
  ProgramAdapter adapter(*program);
  errorOf(kBadInput, [&] { adapter.view<int32_t>("x", 40); });
  errorOf(kBadInput, [&] { adapter.view<float>("x", 41); });
  errorOf(kBadInput, [&] { adapter.view<float>("absent", 1); });
}

TEST(ProgramAdapterTest, CheckpointsRestoreAProgramsParameters) {
  ScratchFolder folder;
  auto program = programWithState();
  ProgramAdapter adapter(*program);
  initializeWeights(adapter.parameters(), 1);
  resetOptimizer(adapter);
  std::vector<float> before(adapter.parameters()[0].value.begin(), adapter.parameters()[0].value.end());
  saveCheckpoint(folder.path, 4, adapter, {}, 0);
  auto other = programWithState();
  ProgramAdapter second(*other);
  loadCheckpoint(folder / "step-00000004", second);
  auto value = second.parameters()[0].value, ema = second.parameters()[0].ema;
  EXPECT_TRUE(std::equal(before.begin(), before.end(), value.begin()));
  EXPECT_TRUE(std::equal(before.begin(), before.end(), ema.begin()));
}

} // namespace
} // namespace drawloom::test
