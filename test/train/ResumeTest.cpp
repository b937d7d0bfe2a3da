// Stopping and resuming gives the bits of a run that was never stopped.
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/support/File.h"
#include "runtime/train/Commands.h"
#include "runtime/train/RunLog.h"
#include "test/train/FakeModel.h"
#include <csignal>
#include <sstream>

namespace drawloom::test {
namespace {

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

struct ResumeTest : ::testing::Test {
  ScratchFolder folder;
  FakeSettings settings;

  ResumeTest() {
    settings.data = folder / "text";
    writeText(settings.data, someText(4000));
    settings.train =
        R"("steps": 9, "lr": 0.05, "warmup": 3, "clip": 1.0, "ema": 0.9, "seed": 7, "accumulation": 2)";
    settings.run = R"("log_every": 4)";
  }
  TrainOptions options(const std::string &name) {
    TrainOptions o;
    o.out = folder / name;
    o.quiet = true;
    return o;
  }
  /// The losses in a run's log, without times.
  std::vector<std::pair<int, double>> losses(const std::string &name) {
    std::vector<std::pair<int, double>> out;
    std::istringstream lines(readTextFile((folder / name) + "/" + kLogFile));
    for (std::string line; std::getline(lines, line);)
      if (Json j = Json::parse(line); j["event"] == "step")
        out.emplace_back(int(j["step"]), double(j["nll"]));
    return out;
  }
};

TEST_F(ResumeTest, AtAnyStepGivesTheSameBits) {
  FakeModel whole(settings);
  trainCommand(whole, options("whole"));
  for (int64_t stop = 0; stop <= 9; ++stop) {
    std::string name = fmt::format("stop{}", stop);
    auto o = options(name);
    {
      FakeModel first(settings);
      o.stopAfter = stop;
      trainCommand(first, o);
    }
    FakeModel second(settings); // as another process would begin
    o.stopAfter.reset();
    o.resume = "latest";
    EXPECT_EQ(trainCommand(second, o), 0);
    EXPECT_EQ(second.all(), whole.all()) << "stopped after " << stop;
    EXPECT_EQ(losses(name), losses("whole")) << "stopped after " << stop;
  }
}

TEST_F(ResumeTest, FromAnOlderCheckpointDropsTheLaterLog) {
  settings.run = R"("log_every": 1, "checkpoint_every": 3)";
  FakeModel m(settings);
  auto o = options("run");
  trainCommand(m, o);
  auto whole = losses("run");
  auto bits = m.all();
  FakeModel again(settings);
  o.resume = o.out + "/step-00000003";
  trainCommand(again, o);
  EXPECT_EQ(losses("run"), whole); // each step once
  EXPECT_EQ(again.all(), bits);
}

TEST_F(ResumeTest, KeepsTheSeedTheDataAndTheLengthOfTheCommandLine) {
  std::string other = folder / "other";
  writeText(other, someText(5000).substr(7));
  auto o = options("whole");
  o.seed = 99;
  o.data = other;
  o.steps = 8;
  FakeModel whole(settings);
  trainCommand(whole, o);
  o.out = folder / "stopped";
  o.stopAfter = 5;
  FakeModel first(settings);
  trainCommand(first, o);
  auto r = options("stopped");
  r.resume = "latest";
  FakeModel second(settings);
  trainCommand(second, r);
  EXPECT_EQ(second.all(), whole.all());
}

TEST_F(ResumeTest, AfterASignalGivesTheSameBits) {
  FakeModel whole(settings);
  trainCommand(whole, options("whole"));
  FakeModel first(settings);
  int gradients = 0;
  first.before = [&](std::string_view f) {
    if (f == "gradient" && ++gradients == 7) std::raise(SIGINT); // between the micro-steps of step 4
  };
  auto o = options("run");
  EXPECT_EQ(trainCommand(first, o), 130);
  EXPECT_EQ(listCheckpoints(o.out).back().step, 4);
  o.resume = "latest";
  FakeModel second(settings);
  trainCommand(second, o);
  EXPECT_EQ(second.all(), whole.all());
}

TEST_F(ResumeTest, AFinishedRunIsLeftAsItIs) {
  FakeModel m(settings);
  auto o = options("run");
  trainCommand(m, o);
  auto bits = m.all();
  o.resume = "latest";
  FakeModel again(settings);
  EXPECT_EQ(trainCommand(again, o), 0);
  EXPECT_EQ(again.all(), bits);
}

TEST_F(ResumeTest, WithoutACheckpointIsMissingInput) {
  FakeModel m(settings);
  auto o = options("run");
  o.resume = "latest";
  EXPECT_SAYS(errorOf(kMissingInput, [&] { trainCommand(m, o); }), "there is no checkpoint");
}

TEST_F(ResumeTest, AnotherModelIsRejected) {
  FakeModel m(settings);
  auto o = options("run");
  trainCommand(m, o);
  settings.extraModel = R"(, "heads": 4)";
  FakeModel other(settings);
  o.resume = "latest";
  EXPECT_SAYS(errorOf(kBadInput, [&] { trainCommand(other, o); }),
              "is of another model: model.heads: absent -> 4");
}

TEST_F(ResumeTest, AnotherTextIsRejected) {
  FakeModel m(settings);
  auto o = options("run");
  trainCommand(m, o);
  writeText(settings.data, someText(4001));
  o.resume = "latest";
  EXPECT_SAYS(errorOf(kBadInput, [&] { trainCommand(m, o); }), "is not the data that");
}

TEST_F(ResumeTest, ChangedTrainingSettingsApply) {
  FakeModel m(settings);
  auto o = options("run");
  trainCommand(m, o);
  settings.train =
      R"("steps": 14, "lr": 0.01, "warmup": 3, "clip": 1.0, "ema": 0.9, "seed": 7, "accumulation": 2)";
  FakeModel longer(settings);
  o.resume = "latest";
  trainCommand(longer, o);
  EXPECT_EQ(listCheckpoints(o.out).back().step, 14);
}

TEST_F(ResumeTest, InitAndResumeExcludeEachOther) {
  FakeModel m(settings);
  auto o = options("run");
  o.resume = "latest";
  o.init = "x.safetensors";
  errorOf(kUsage, [&] { trainCommand(m, o); });
}

TEST_F(ResumeTest, AnIllTypedStateIsBadInput) {
  FakeModel m(settings);
  auto o = options("run");
  trainCommand(m, o);
  std::string state = listCheckpoints(o.out).back().folder + "/state.json";
  for (auto [key, value] :
       {std::pair{"seed", Json("x")}, {"data", Json(3)}, {"history", Json(3)}, {"steps", Json::array()}}) {
    std::string original = readTextFile(state);
    Json j = Json::parse(original);
    j[key] = value;
    j["format"] = 1, j.erase("hash"); // else its hash would be what is wrong
    writeText(state, j.dump());
    o.resume = "latest";
    errorOf(kBadInput, [&] { trainCommand(m, o); });
    writeText(state, original);
  }
}

} // namespace
} // namespace drawloom::test
