#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/checkpoint/Weights.h"
#include "runtime/train/Commands.h"
#include "runtime/train/RunLog.h"
#include "test/train/FakeModel.h"
#include <cmath>
#include <csignal>
#include <limits>
#include <sstream>
#include <thread>

namespace drawloom::test {
namespace {

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

struct TrainTest : ::testing::Test {
  ScratchFolder folder;
  FakeSettings settings;
  TrainOptions options;

  TrainTest() {
    settings.data = folder / "text";
    writeText(settings.data, someText(4000));
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
};

TEST_F(TrainTest, LearnsAndLogsAndSaves) {
  settings.train = R"("steps": 60, "lr": 0.1, "warmup": 3, "clip": 1.0, "ema": 0.9, "seed": 7)";
  settings.run = R"("log_every": 2, "eval_every": 30, "checkpoint_every": 20, "keep_checkpoints": 2)";
  FakeModel m(settings);
  EXPECT_EQ(trainCommand(m, options), 0);
  auto steps = log("step");
  ASSERT_EQ(steps.size(), 30u);
  EXPECT_NEAR(double(steps[0]["bits"]), 8, 0.1);
  EXPECT_LT(double(steps.back()["bits"]), 5);
  EXPECT_EQ(steps.back()["step"], 60);
  EXPECT_NEAR(double(steps[0]["lr"]), 0.1 * 2 / 3, 1e-6);
  auto evals = log("eval");
  ASSERT_EQ(evals.size(), 2u);
  EXPECT_EQ(evals[1]["bytes"], 400);
  auto left = listCheckpoints(options.out);
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(left[1].step, 60);
  EXPECT_EQ(log("end")[0]["reason"], "done");
}

TEST_F(TrainTest, TheLastCheckpointIsSavedWithoutAPeriod) {
  FakeModel m(settings);
  trainCommand(m, options);
  EXPECT_EQ(listCheckpoints(options.out).back().step, 12);
}

TEST_F(TrainTest, EpochsGiveTheNumberOfSteps) {
  settings.train = R"("steps": 5, "epochs": 2, "lr": 0.01, "accumulation": 3)";
  FakeModel m(settings); // 3200 bytes: 199 windows of 16, 6 a step
  trainCommand(m, options);
  EXPECT_EQ(listCheckpoints(options.out).back().step, 67);
}

TEST_F(TrainTest, EvaluationUsesTheAveragesAndLeavesTrainingAlone) {
  settings.run = R"("log_every": 1)";
  FakeModel plain(settings);
  trainCommand(plain, options);
  settings.run = R"("log_every": 1, "eval_every": 1, "eval_tokens": 100)";
  FakeModel evaluated(settings);
  std::vector<float> seen; // a weight as "evaluate" sees it, beside the average of that time
  evaluated.before = [&](std::string_view f) {
    if (f == "evaluate") seen.push_back(evaluated.parameters()[1].value[' ']);
  };
  options.out = folder / "other";
  trainCommand(evaluated, options);
  EXPECT_EQ(plain.all(), evaluated.all());
  EXPECT_EQ(seen.back(), evaluated.parameters()[1].ema[' ']);
  EXPECT_NE(seen.back(), evaluated.parameters()[1].value[' ']);
}

TEST_F(TrainTest, TheThirdStepIsTraced) {
  FakeModel m(settings);
  int step = 0;
  std::vector<int> traced;
  m.before = [&](std::string_view f) {
    if (f != "gradient") return;
    if (m.profiling) traced.push_back(step);
    ++step;
  };
  options.trace = folder / "trace.json";
  trainCommand(m, options);
  EXPECT_EQ(traced, (std::vector<int>{2}));
  EXPECT_EQ(readTextFile(options.trace), "trace of gradient, update");
}

TEST_F(TrainTest, TheLastStepOfAShortRunIsTraced) {
  FakeModel m(settings);
  options.trace = folder / "trace.json";
  options.stopAfter = 1;
  trainCommand(m, options);
  EXPECT_TRUE(std::filesystem::exists(options.trace));
}

TEST_F(TrainTest, TheLogSaysWhatTheStartTook) {
  FakeModel m(settings);
  trainCommand(m, options);
  auto all = log("startup");
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0]["step"], 1);
  EXPECT_GT(all[0]["seconds"], 0);
  for (const char *phase : {"process", "data", "weights", "first step"})
    EXPECT_GE(double(all[0]["ms"].at(phase)), 0) << phase;
}

TEST_F(TrainTest, AccumulationGivesTheGradientOfTheLargerBatch) {
  // Two micro-steps of 2 rows and one of 4 rows see the same windows; the noise of the fake model is off by
  // its factor, so only the losses of the first step are compared, which are those of the same weights.
  settings.run = R"("log_every": 1)";
  settings.train = R"("steps": 1, "lr": 0.1, "accumulation": 2)";
  FakeModel two(settings);
  trainCommand(two, options);
  double a = double(log("step")[0]["nll"]);
  settings.batch = 4;
  settings.train = R"("steps": 1, "lr": 0.1)";
  FakeModel one(settings);
  options.out = folder / "other";
  trainCommand(one, options);
  EXPECT_NEAR(a, double(log("step")[0]["nll"]), 1e-12);
  auto w = two.view<float>("loss_weights", 32), v = one.view<float>("loss_weights", 64);
  EXPECT_EQ(w[0], v[0]);
  EXPECT_FLOAT_EQ(w[0], 1.0f / 64);
}

TEST_F(TrainTest, ANonFiniteGradientStopsBeforeTheWeightsAndNamesTheTensor) {
  FakeModel m(settings);
  int gradients = 0;
  std::vector<float> before;
  m.after = [&](std::string_view f) {
    if (f != "gradient" || ++gradients != 4) return;
    before = m.all();
    m.parameters()[0].gradient[256 * 5 + 3] = std::numeric_limits<float>::infinity();
    m.parameters()[1].gradient[7] = std::numeric_limits<float>::quiet_NaN();
  };
  auto text = errorOf(kFailed, [&] { trainCommand(m, options); });
  EXPECT_SAYS(text, "the gradient norm of step 4 is not finite: gradient of 'table.weight' at [5, 3] is inf");
  EXPECT_EQ(m.all(), before);
  ASSERT_EQ(listCheckpoints(options.out).size(), 1u); // the last good state can be looked at
  EXPECT_EQ(listCheckpoints(options.out)[0].step, 3);
  EXPECT_EQ(log("end")[0]["reason"], "not finite");
}

TEST_F(TrainTest, ANonFiniteLossStopsBeforeTheUpdate) {
  FakeModel m(settings);
  m.after = [&](std::string_view f) {
    if (f == "gradient") m.view<float>("nll", 32)[17] = std::numeric_limits<float>::quiet_NaN();
    if (f == "update") ADD_FAILURE() << "update ran";
  };
  EXPECT_SAYS(errorOf(kFailed, [&] { trainCommand(m, options); }),
              "the loss of step 1 is not finite: 'nll' at [1, 1] is nan");
}

TEST_F(TrainTest, ANonFiniteWeightIsNamedFirst) {
  FakeModel m(settings);
  m.before = [&](std::string_view f) {
    if (f == "gradient") m.parameters()[1].value[9] = std::numeric_limits<float>::infinity();
  };
  EXPECT_SAYS(errorOf(kFailed, [&] { trainCommand(m, options); }), "weight 'bias' at [9] is inf");
}

TEST_F(TrainTest, SignalsFinishTheStepSaveAndGiveTheirExitCode) {
  for (auto [signal, code] : {std::pair{SIGINT, 130}, {SIGTERM, 143}}) {
    FakeModel m(settings);
    int updates = 0;
    m.before = [&, signal = signal](std::string_view f) {
      if (f == "update" && ++updates == 3) std::raise(signal);
    };
    options.out = folder / fmt::format("run{}", code);
    EXPECT_EQ(trainCommand(m, options), code);
    EXPECT_EQ(updates, 3);
    EXPECT_EQ(listCheckpoints(options.out).back().step, 3);
  }
}

TEST_F(TrainTest, ATimeBudgetEndsCleanly) {
  FakeModel m(settings);
  m.before = [&](std::string_view f) {
    if (f == "update") std::this_thread::sleep_for(std::chrono::milliseconds(60));
  };
  options.maxSeconds = 0.2;
  EXPECT_EQ(trainCommand(m, options), 0);
  auto last = listCheckpoints(options.out).back().step;
  EXPECT_GE(last, 1);
  EXPECT_LE(last, 3);
  EXPECT_EQ(log("end")[0]["reason"], "time budget");
}

TEST_F(TrainTest, ANewRunDoesNotTouchAnOlderOneUnlessAsked) {
  FakeModel m(settings);
  trainCommand(m, options);
  auto text = errorOf(kUsage, [&] { trainCommand(m, options); });
  EXPECT_SAYS(text, "holds a run already");
  EXPECT_SAYS(text, "--overwrite");
  options.overwrite = true;
  options.steps = 4;
  EXPECT_EQ(trainCommand(m, options), 0);
  ASSERT_EQ(listCheckpoints(options.out).size(), 1u);
  EXPECT_EQ(log("step").size(), 2u);
}

TEST_F(TrainTest, InitialWeightsBatchesAndGradientsAreSavedForComparison) {
  options.saveInit = folder / "init.safetensors";
  options.saveBatches = folder / "batches.safetensors";
  options.saveGradients = folder / "gradients.safetensors";
  options.steps = 3;
  FakeModel m(settings);
  trainCommand(m, options);
  SafetensorsFile init(options.saveInit), batches(options.saveBatches), gradients(options.saveGradients);
  EXPECT_EQ(batches.find("tokens")->shape, (std::vector<uint64_t>{3, 2, 16}));
  EXPECT_EQ(batches.find("targets")->dtype, "I32");
  auto *tokens = reinterpret_cast<const int32_t *>(batches.find("tokens")->data.data());
  auto *targets = reinterpret_cast<const int32_t *>(batches.find("targets")->data.data());
  EXPECT_EQ(tokens[16], 256);
  EXPECT_EQ(tokens[17], targets[16]);
  EXPECT_EQ(gradients.find("table.weight")->shape, (std::vector<uint64_t>{257, 256}));
  auto *g = reinterpret_cast<const float *>(gradients.find("bias")->data.data());
  double sum = 0, largest = 0;
  for (int v = 0; v < 256; ++v) {
    sum += double(g[v]);
    largest = std::max(largest, std::abs(double(g[v])));
  }
  EXPECT_NEAR(sum, 0, 1e-6); // a softmax gradient sums to zero
  EXPECT_GT(largest, 0.01);

  // The run that starts from the saved weights is the same run.
  TrainOptions again;
  again.quiet = true;
  again.out = folder / "again";
  again.init = options.saveInit;
  again.steps = 3;
  again.seed = 7;
  FakeModel other(settings);
  trainCommand(other, again);
  EXPECT_EQ(m.all(), other.all());
}

TEST_F(TrainTest, ZeroStepsOnlyInitialize) {
  options.steps = 0;
  options.saveInit = folder / "init.safetensors";
  FakeModel m(settings);
  EXPECT_EQ(trainCommand(m, options), 0);
  EXPECT_TRUE(std::filesystem::exists(options.saveInit));
  EXPECT_EQ(listCheckpoints(options.out).back().step, 0);
}

TEST_F(TrainTest, MissingAndShortDataAreExplained) {
  FakeModel m(settings);
  options.data = folder / "nowhere";
  EXPECT_SAYS(errorOf(kMissingInput, [&] { trainCommand(m, options); }), "does not exist");
  writeText(folder / "short", someText(18));
  options.data = folder / "short";
  EXPECT_SAYS(errorOf(kBadInput, [&] { trainCommand(m, options); }), "takes 16 bytes, found 14");
  EXPECT_FALSE(std::filesystem::exists(options.out)); // nothing was begun
}

TEST_F(TrainTest, AnUnwritableOutputFolderIsAnIoError) {
  FakeModel m(settings);
  writeText(folder / "file", "x");
  options.out = folder / "file/run";
  errorOf(kIo, [&] { trainCommand(m, options); });
}

TEST_F(TrainTest, EvalAndSampleUseTheSavedRun) {
  FakeModel m(settings);
  trainCommand(m, options);
  EvalOptions eval;
  eval.out = options.out;
  eval.json = true;
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(evalCommand(m, eval), 0);
  Json j = Json::parse(::testing::internal::GetCapturedStdout());
  EXPECT_EQ(j["bytes"], 400);
  EXPECT_EQ(j["weights"], "ema");
  EXPECT_LT(double(j["bits_per_byte"]), 8);
  EXPECT_GT(double(j["standard_error"]), 0);
  eval.weights = "raw";
  eval.minContext = 10;
  eval.split = "test";
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(evalCommand(m, eval), 0);
  j = Json::parse(::testing::internal::GetCapturedStdout());
  EXPECT_EQ(j["bytes"], 390);
  EXPECT_EQ(j["min_context"], 10);
  EXPECT_EQ(j["weights"], "raw");

  SampleOptions sample;
  sample.out = options.out;
  sample.prompt = "th";
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(sampleCommand(m, sample), 0);
  std::string text = ::testing::internal::GetCapturedStdout();
  EXPECT_EQ(text.substr(0, 2), "th");
  EXPECT_EQ(text.size(), 16 + 1u); // the whole context and a line end
  sample.count = 3;
  sample.json = true;
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(sampleCommand(m, sample), 0);
  j = Json::parse(::testing::internal::GetCapturedStdout());
  ASSERT_EQ(j["samples"].size(), 3u);
  std::string first;
  for (auto &b : j["samples"][0]["bytes"]) first.push_back(char(int(b)));
  EXPECT_EQ("th" + first + "\n", text); // the same seed, the same first sample
}

TEST_F(TrainTest, EvalErrorsAreExplained) {
  FakeModel m(settings);
  EvalOptions eval;
  eval.out = options.out;
  EXPECT_SAYS(errorOf(kMissingInput, [&] { evalCommand(m, eval); }), "there is no checkpoint");
  eval.minContext = 16;
  EXPECT_SAYS(errorOf(kUsage, [&] { evalCommand(m, eval); }), "expected 0 to 15");
}

} // namespace
} // namespace drawloom::test
