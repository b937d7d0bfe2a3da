#include "runtime/checkpoint/StrictJson.h"
#include "runtime/train/TrainSpec.h"
#include "test/train/FakeModel.h"

namespace drawloom::test {
namespace {

TEST(StrictJsonTest, KeysMayOccurInTwoObjectsButNotTwiceInOne) {
  EXPECT_EQ(parseStrictJson(R"({"a": {"x": 1}, "b": [{"x": 2}, {"x": 3}]})", "f")["b"][1]["x"], 3);
  auto text = errorOf(kBadInput, [] { parseStrictJson(R"({"a": {"x": 1, "y": {"x": 1}, "x": 2}})", "f"); });
  EXPECT_NE(text.find("f: the key \"x\" occurs twice"), std::string::npos) << text;
}

TEST(TrainSpecTest, ReadsEverySection) {
  auto s = TrainSpec::parse(R"({
    "model": {"name": "m", "n": 2048, "vocab": 256, "d": 192},
    "data": {"kind": "text", "path": "/x", "split": [90, 5, 5], "batch": 4},
    "train": {"steps": 9, "epochs": 1.5, "lr": 0.1, "warmup": 2, "schedule": "constant", "clip": 0.5, "weight_decay": 0.2,
              "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-6, "ema": 0.99, "accumulation": 3, "loss_scale": 2048, "seed": 18446744073709551615},
    "run": {"out": "o", "threads": 2, "log_every": 3, "eval_every": 4, "eval_tokens": 5, "checkpoint_every": 6,
            "keep_checkpoints": 7, "max_seconds": 8.5},
    "sample": {"batch": 2, "temperature": 0.5, "top_k": 3, "length": 4}})");
  EXPECT_EQ(s.model.n, 2048);
  EXPECT_EQ(s.data.split[0], 90);
  EXPECT_EQ(s.data.batch, 4);
  EXPECT_EQ(s.train.epochs, 1.5);
  EXPECT_EQ(s.train.schedule, "constant");
  EXPECT_EQ(s.train.weightDecay, 0.2);
  EXPECT_EQ(s.train.beta1, 0.8);
  EXPECT_EQ(s.train.beta2, 0.95);
  EXPECT_EQ(s.train.epsilon, 1e-6);
  EXPECT_EQ(s.train.ema, 0.99);
  EXPECT_EQ(s.train.accumulation, 3);
  EXPECT_EQ(s.train.lossScale, 2048);
  EXPECT_EQ(s.train.seed, ~uint64_t(0));
  EXPECT_EQ(s.run.threads, 2);
  EXPECT_EQ(s.run.logEvery, 3);
  EXPECT_EQ(s.run.evalTokens, 5);
  EXPECT_EQ(s.run.keepCheckpoints, 7);
  EXPECT_EQ(s.run.maxSeconds, 8.5);
  EXPECT_EQ(s.sample.batch, 2);
  EXPECT_EQ(s.sample.topK, 3);
  EXPECT_EQ(s.sample.length, 4);
}

struct Wrong {
  const char *json, *says;
};

class TrainSpecErrors : public ::testing::TestWithParam<Wrong> {};

TEST_P(TrainSpecErrors, NameTheValue) {
  auto text = errorOf(kBadInput, [] { TrainSpec::parse(GetParam().json); });
  EXPECT_NE(text.find(GetParam().says), std::string::npos) << text;
}

INSTANTIATE_TEST_SUITE_P(
    All, TrainSpecErrors,
    ::testing::Values(
        Wrong{"[]", "no JSON object"}, Wrong{"{}", "no model.n"},
        Wrong{R"({"model": 3})", "'model' is no table"}, Wrong{R"({"model": {"n": 0}})", "model.n is 0"},
        Wrong{R"({"model": {"n": "8"}})", "expected a whole number"},
        Wrong{R"({"model": {"n": 8.5}})", "model.n is 8.5"},
        Wrong{R"({"model": {"n": 8}, "data": {"kind": "image"}})", "data.kind is 'image'"},
        Wrong{R"({"model": {"n": 12}, "data": {"kind": "images"}})", "model.embedding_shape is not"},
        Wrong{R"({"model": {"n": 12, "embedding_shape": [2, 3, 3]}, "data": {"kind": "images"}})",
              "[rows, columns, 3] with a product of 12"},
        Wrong{R"({"model": {"n": 8}, "data": {"rate": 0}})", "data.rate is 0"},
        Wrong{R"({"model": {"n": 8}, "data": {"split": [1]}})", "expected three numbers"},
        Wrong{R"({"model": {"n": 8}, "data": {"batch": 0}})", "data.batch is 0"},
        Wrong{R"({"model": {"n": 8}, "train": {"schedule": "linear"}})", "train.schedule is 'linear'"},
        Wrong{R"({"model": {"n": 8}, "train": {"ema": 1}})", "train.ema is 1"},
        Wrong{R"({"model": {"n": 8}, "train": {"clip": -1}})", "train.clip is -1"},
        Wrong{R"({"model": {"n": 8}, "train": {"accumulation": 0}})", "train.accumulation is 0"},
        Wrong{R"({"model": {"n": 8}, "train": {"loss_scale": 3000}})", "train.loss_scale is 3000"},
        Wrong{R"({"model": {"n": 8}, "sample": {"temperature": -1}})", "sample.temperature is -1"}));

} // namespace
} // namespace drawloom::test
