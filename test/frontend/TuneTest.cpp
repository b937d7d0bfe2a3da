// Tuning on made-up times, and its file.
#include "frontend/cli/Tune.h"
#include "runtime/support/Error.h"
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

using namespace drawloom;
using namespace drawloom::cli;

namespace {

const KernelChoice kForward{"attend a", {"model", "slow", "fast"}, 0};
const KernelChoice kBackward{"attend_grad a", {"slices", "owners"}, 0};

std::string cutOf(const Tuning &tuning, const KernelChoice &choice) {
  auto at = tuning.find(choice.problem);
  return at == tuning.end() ? choice.cuts.front() : at->second;
}

/// A machine on which every cut has a time.
struct Machine {
  std::map<std::string, double> seconds{
      {"model", 1.0}, {"slow", 2.0}, {"fast", 0.5}, {"slices", 1.0}, {"owners", 3.0}};
  std::vector<Tuning> runs;

  TuningRun operator()(const Tuning &tuning) {
    runs.push_back(tuning);
    return {seconds.at(cutOf(tuning, kForward)), seconds.at(cutOf(tuning, kBackward)), {kForward, kBackward}};
  }
};

std::vector<Tuned> tuneOn(Machine &machine) {
  return tune([&](const Tuning &tuning) { return machine(tuning); });
}

TEST(Tune, KeepsTheFastestCutOfEachProblem) {
  Machine machine;
  std::vector<Tuned> tuned = tuneOn(machine);
  ASSERT_EQ(tuned.size(), 2u);
  EXPECT_EQ(tuned[0].problem, "attend a");
  EXPECT_EQ(tuned[0].cut, "fast");
  EXPECT_EQ(tuned[0].seconds, 0.5);
  EXPECT_EQ(tuned[0].modelSeconds, 1.0);
  EXPECT_EQ(tuned[1].cut, "slices");
}

TEST(Tune, MeasuresLaterProblemsWithTheCutsThatWereFound) {
  Machine machine;
  tuneOn(machine);
  EXPECT_EQ(machine.runs.back().at("attend a"), "fast");
}

TEST(Tune, KeepsTheCostModelsCutWhereOthersAreHardlyFaster) {
  Machine machine;
  machine.seconds["fast"] = 0.995;
  EXPECT_EQ(tuneOn(machine)[0].cut, "model");
}

TEST(Tune, MeasuresAgainWhatMayHaveBeenLuck) {
  Machine machine;
  int tries = 0;
  auto tuned = tune([&](const Tuning &tuning) {
    TuningRun run = machine(tuning);
    if (cutOf(tuning, kForward) == "fast" && tries++ > 0) run.forwardSeconds = 1.0;
    return run;
  });
  EXPECT_EQ(tuned[0].cut, "model");
  EXPECT_EQ(tuned[0].seconds, 1.0);
}

TEST(Tune, LeavesOutCutsThatFail) {
  Machine machine;
  auto tuned = tune([&](const Tuning &tuning) {
    if (cutOf(tuning, kForward) == "fast") fail(kFailed, "ptxas fails");
    return machine(tuning);
  });
  EXPECT_EQ(tuned[0].cut, "model");
}

class TuningFile : public testing::Test {
protected:
  void SetUp() override { std::filesystem::remove(path); }
  void TearDown() override { std::filesystem::remove(path); }
  const std::string path = testing::TempDir() + "drawloom-tuning.json";
};

TEST_F(TuningFile, IsReadAsItWasWritten) {
  writeTuning(path, "a card", {{"attend a", "fast", 0.5, 1.0}});
  EXPECT_EQ(readTuning(path), (Tuning{{"attend a", "fast"}}));
}

TEST_F(TuningFile, KeepsWhatOtherModelsHave) {
  writeTuning(path, "a card", {{"attend a", "fast", 0.5, 1.0}, {"attend b", "slow", 1, 1}});
  writeTuning(path, "a card", {{"attend b", "faster", 0.7, 1}});
  EXPECT_EQ(readTuning(path), (Tuning{{"attend a", "fast"}, {"attend b", "faster"}}));
}

TEST_F(TuningFile, IsNotWrittenOverAnotherFile) {
  std::ofstream(path) << "{\"weights\": 3}";
  EXPECT_THROW(writeTuning(path, "a card", {{"attend a", "fast", 0.5, 1.0}}), Error);
  std::ifstream in(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "{\"weights\": 3}");
}

TEST_F(TuningFile, IsTriedBeforeAnythingIsMeasured) {
  EXPECT_THROW(prepareTuning(path, /*isOnCard=*/false), Error);
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_THROW(prepareTuning("/nowhere/cuts.json", true), Error);
  writeTuning(path, "a card", {{"attend a", "fast", 0.5, 1.0}});
  prepareTuning(path, true);
  EXPECT_EQ(readTuning(path), (Tuning{{"attend a", "fast"}}));
}

TEST_F(TuningFile, NeedsSomethingTuned) { EXPECT_THROW(finishTuning(path, "a card", {}), Error); }

} // namespace
