// Where training reads and writes parameters on a card: what the card has, not what the host last saw.
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/train/Evaluate.h"
#include "runtime/train/InitialWeights.h"
#include "test/cuda/CudaArtifact.h"
#include "test/cuda/FakeCuda.h"
#include <gtest/gtest.h>

namespace drawloom::test {
namespace {

class CudaTraining : public testing::Test {
protected:
  void SetUp() override { ::setenv("XDG_CACHE_HOME", folder.path.c_str(), 1); }

  std::unique_ptr<Program> load() const {
    Parts parts = cudaValid();
    auto &counts = *parts.plan.buffers[kCounts]; // as a cache of the decode function
    counts.arena = plan::Arena::State, counts.offset = 0;
    parts.plan.arena_bytes[size_t(plan::Arena::State)] = 8000;
    return Program::fromBytes(assemble(parts), {.driver = &card.driver(), .blasLt = &card.blasLt()},
                              "test.loom");
  }
  static void start(ProgramAdapter &program) {
    for (auto &p : program.parameters()) std::fill(p.value.begin(), p.value.end(), 8.0f);
    program.upload(plan::Arena::Parameters);
    resetOptimizer(program);
  }
  /// The first element of "w" as the card has it.
  static float onCard(ProgramAdapter &program) {
    program.download(plan::Arena::Parameters);
    return program.parameters()[0].value[0];
  }

  TemporaryFolder folder;
  FakeCuda card{{{"add", 3, 0,
                  [](auto &l) {
                    for (uint64_t i = 0; i < l.words[2]; ++i)
                      reinterpret_cast<int64_t *>(l.words[0])[i] += int64_t(l.words[1]);
                  }},
                 {"scale", 3, 0, [](auto &l) {
                    for (uint64_t i = 0; i < l.words[2]; ++i)
                      reinterpret_cast<float *>(l.words[0])[i] *= float(int64_t(l.words[1])) / 2;
                  }}}};
};

TEST_F(CudaTraining, CheckpointsHoldWhatTheCardHas) {
  auto program = load(), other = load();
  ProgramAdapter adapter(*program), second(*other);
  start(adapter);
  adapter.run("step"); // w *= 3 / 2, on the card
  std::string saved = saveCheckpoint(folder.path, 1, adapter, {}, 0);
  loadCheckpoint(saved, second);
  EXPECT_EQ(onCard(second), 12);
  second.run("step");
  EXPECT_EQ(onCard(second), 18);
}

TEST_F(CudaTraining, WeightsThatAreLoadedReachTheCard) {
  auto program = load(), other = load();
  ProgramAdapter adapter(*program), second(*other);
  start(adapter);
  std::string saved = saveCheckpoint(folder.path, 1, adapter, {}, 0);
  loadWeights(saved, second, false);
  second.run("step");
  EXPECT_EQ(onCard(second), 12);
}

TEST_F(CudaTraining, AveragesStandInForWeightsOnTheCard) {
  auto program = load();
  ProgramAdapter adapter(*program);
  start(adapter);
  auto ema = adapter.parameters()[0].ema;
  std::fill(ema.begin(), ema.end(), 2.0f);
  adapter.upload(plan::Arena::Optimizer);
  adapter.run("step"); // the weights are 12 on the card, and 8 where the host saw them last
  {
    EmaInPlace guard(adapter);
    EXPECT_EQ(onCard(adapter), 2);
  }
  EXPECT_EQ(onCard(adapter), 12);
  adapter.download(plan::Arena::Optimizer);
  EXPECT_EQ(ema[0], 2);
}

TEST_F(CudaTraining, ClearingStateReachesTheCard) {
  auto program = load();
  ProgramAdapter adapter(*program);
  adapter.run("count");
  adapter.clear(plan::Arena::State);
  adapter.run("count");
  program->download(plan::Arena::State);
  EXPECT_EQ(adapter.view<int64_t>("counts", 1000)[999], 3);
}

} // namespace
} // namespace drawloom::test
