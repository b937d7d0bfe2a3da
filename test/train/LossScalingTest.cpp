// Training in fp16: overflows are skipped, and nothing else tells a scaled loss from an unscaled one.
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/support/File.h"
#include "runtime/train/Commands.h"
#include "runtime/train/LossScaler.h"
#include "runtime/train/RunLog.h"
#include "test/train/FakeModel.h"
#include <limits>
#include <sstream>

namespace drawloom::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct LossScalingTest : ::testing::Test {
  ScratchFolder folder;
  FakeSettings settings;
  TrainOptions options;

  LossScalingTest() {
    settings.data = folder / "text";
    writeText(settings.data, someText(4000));
    settings.run = R"("log_every": 1, "precision": "fp16")";
    options.out = folder / "run";
    options.quiet = true;
  }
  std::vector<Json> log(const std::string &event) {
    std::vector<Json> out;
    std::istringstream lines(readTextFile(options.out + "/" + kLogFile));
    for (std::string line; std::getline(lines, line);)
      if (Json j = Json::parse(line); j["event"] == event) out.push_back(j);
    return out;
  }
  /// Makes the gradient of these steps (from 0) overflow; a function of the step, as in a real run.
  static void overflowAt(FakeModel &m, std::vector<int64_t> steps) {
    m.after = [&m, steps](std::string_view f) {
      int64_t step = m.view<int64_t>("rng", 2)[1];
      if (f == "gradient" && std::find(steps.begin(), steps.end(), step) != steps.end())
        m.parameters()[0].gradient[256 * 5 + 3] = kInfinity;
    };
  }
};

TEST_F(LossScalingTest, TheScaleChangesNoBitOfTheWeights) {
  FakeModel scaled(settings);
  trainCommand(scaled, options);
  EXPECT_EQ(scaled.view<float>("loss_weights", 32)[0], 65536.0f / 32);
  auto norms = log("step");
  settings.run = R"("log_every": 1)";
  options.out = folder / "plain";
  FakeModel plain(settings);
  trainCommand(plain, options);
  EXPECT_EQ(plain.view<float>("loss_weights", 32)[0], 1.0f / 32);
  EXPECT_EQ(scaled.all(), plain.all());
  EXPECT_EQ(norms.back()["grad_norm"], log("step").back()["grad_norm"]);
}

TEST_F(LossScalingTest, AnOverflowIsSkippedCountedAndLogged) {
  FakeModel m(settings);
  overflowAt(m, {4});
  std::vector<float> before, after;
  m.before = [&](std::string_view f) {
    if (f != "update") return;
    if (m.view<int64_t>("rng", 2)[1] == 4) before = m.all();
    if (m.view<int64_t>("rng", 2)[1] == 5) after = m.all();
  };
  EXPECT_EQ(trainCommand(m, options), 0);
  ASSERT_FALSE(before.empty());
  EXPECT_EQ(before, after) << "weights, moments and averages";
  auto skips = log("skip");
  ASSERT_EQ(skips.size(), 1u);
  EXPECT_EQ(skips[0]["step"], 5);
  EXPECT_EQ(skips[0]["loss_scale"], 32768.0);
  EXPECT_EQ(skips[0]["skipped"], 1);
  auto steps = log("step");
  ASSERT_EQ(steps.size(), 12u);
  EXPECT_TRUE(steps[4]["grad_norm"].is_null());
  EXPECT_TRUE(steps[5]["grad_norm"].is_number()) << "the infinity is gone";
  EXPECT_EQ(steps[11]["skipped"], 1);
}

TEST_F(LossScalingTest, TheScheduleWaitsForASkippedStep) {
  FakeModel m(settings);
  overflowAt(m, {1, 5});
  trainCommand(m, options);
  auto steps = log("step");
  options.out = folder / "smooth";
  FakeModel smooth(settings);
  trainCommand(smooth, options);
  auto expected = log("step");
  for (int k = 0; k < 12; ++k) {
    int skipped = (k > 1) + (k > 5);
    EXPECT_EQ(steps[size_t(k)]["lr"], expected[size_t(k - skipped)]["lr"]) << k;
  }
}

TEST_F(LossScalingTest, StoppingAndResumingGivesTheSameBits) {
  std::vector<int64_t> overflows{2, 3, 7};
  FakeModel whole(settings);
  overflowAt(whole, overflows);
  trainCommand(whole, options);
  Json expected = readState(listCheckpoints(options.out).back().folder)["loss_scaler"];
  EXPECT_EQ(expected["scale"], 65536.0 / 8);
  for (int64_t stop = 0; stop <= 12; ++stop) {
    options.out = folder / fmt::format("stop{}", stop);
    options.stopAfter = stop;
    options.resume.clear();
    FakeModel first(settings);
    overflowAt(first, overflows);
    trainCommand(first, options);
    options.stopAfter.reset();
    options.resume = "latest";
    FakeModel second(settings);
    overflowAt(second, overflows);
    EXPECT_EQ(trainCommand(second, options), 0);
    EXPECT_EQ(second.all(), whole.all()) << "stopped after " << stop;
    EXPECT_EQ(readState(listCheckpoints(options.out).back().folder)["loss_scaler"], expected);
  }
}

TEST_F(LossScalingTest, AGradientThatStaysInfiniteIsAnErrorThatNamesTheTensor) {
  settings.train = R"("steps": 40, "lr": 0.05, "seed": 7)";
  FakeModel m(settings);
  std::vector<int64_t> all(40);
  for (size_t k = 0; k < all.size(); ++k) all[k] = int64_t(k);
  overflowAt(m, all);
  std::string text = errorOf(kFailed, [&] { trainCommand(m, options); });
  EXPECT_NE(text.find(fmt::format("the gradient norm of step {} is not finite: gradient of 'table.weight' at "
                                  "[5, 3] is inf",
                                  LossScaler::kPatience + 1)),
            std::string::npos)
      << text;
  EXPECT_EQ(log("skip").size(), size_t(LossScaler::kPatience));
  EXPECT_EQ(log("skip").back()["loss_scale"], 1024.0);
}

TEST_F(LossScalingTest, AnotherPrecisionThanTheCheckpointsIsNoted) {
  options.steps = 3;
  FakeModel m(settings);
  trainCommand(m, options);
  settings.run = R"("log_every": 1, "precision": "bf16")";
  FakeModel other(settings);
  options.resume = "latest";
  options.steps.reset();
  options.quiet = false;
  options.peakGflops = 1;
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(trainCommand(other, options), 0);
  std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find(R"(changed since the checkpoint: run.precision: "fp16" -> "bf16")"), std::string::npos)
      << text;
}

TEST_F(LossScalingTest, AnUnknownPrecisionIsRefused) {
  settings.run = R"("precision": "fp8")";
  FakeModel m(settings);
  std::string text = errorOf(kBadInput, [&] { trainCommand(m, options); });
  EXPECT_NE(text.find("run.precision is 'fp8'"), std::string::npos) << text;
}

} // namespace
} // namespace drawloom::test
