#include "runtime/train/TrainSpec.h"
#include "runtime/support/Error.h"
#include "runtime/train/LossScaler.h"
#include <algorithm>
#include <cmath>

namespace drawloom {
namespace {

/// One section, with messages that name its values "section.key".
class Section {
public:
  Section(const Json &spec, std::string name) : name(std::move(name)), json(Json::object()) {
    if (!spec.contains(this->name)) return;
    json = spec[this->name];
    require(json.is_object(), kBadInput, "the artifact's spec: '{}' is no table", this->name);
  }
  void read(const char *key, std::string &to) const {
    if (const Json *v = find(key, &Json::is_string, "text")) to = v->get<std::string>();
  }
  void read(const char *key, double &to) const {
    if (const Json *v = find(key, &Json::is_number, "a number")) to = v->get<double>();
  }
  /// Whole numbers in [low, 2^53].
  template <class Int> void read(const char *key, Int &to, int64_t low) const {
    const Json *v = find(key, &Json::is_number, "a whole number");
    if (!v) return;
    auto number = v->get<double>();
    require(number == std::floor(number) && number >= double(low) && number <= 0x1p53, kBadInput,
            "the artifact's spec: {}.{} is {}, expected a whole number from {} up", name, key, v->dump(),
            low);
    to = Int(v->get<int64_t>());
  }
  void readSeed(const char *key, uint64_t &to) const {
    if (const Json *v = find(key, &Json::is_number_integer, "a whole number"))
      to = uint64_t(v->get<int64_t>());
  }
  void read(const char *key, std::array<double, 3> &to) const {
    const Json *v = find(key, &Json::is_array, "three numbers");
    if (!v) return;
    bool good =
        v->size() == 3 && std::all_of(v->begin(), v->end(), [](const Json &x) { return x.is_number(); });
    require(good, kBadInput, "the artifact's spec: {}.{} is {}, expected three numbers", name, key,
            v->dump());
    to = v->get<std::array<double, 3>>();
  }

private:
  const Json *find(const char *key, bool (Json::*is)() const noexcept, const char *what) const {
    if (!json.contains(key)) return nullptr;
    const Json &v = json[key];
    require((v.*is)(), kBadInput, "the artifact's spec: {}.{} is {}, expected {}", name, key, v.dump(), what);
    return &v;
  }
  std::string name;
  Json json;
};

/// A value that makes no sense is an error here and not a division by zero later.
void check(bool good, const char *key, double value, const char *expected) {
  require(good, kBadInput, "the artifact's spec: {} is {}, expected {}", key, value, expected);
}

/// Extents of the images that a model reads: model.embedding_shape, which must suit n.
ImageShape readImageShape(const Section &model, int64_t n) {
  std::array<double, 3> shape{};
  model.read("embedding_shape", shape);
  bool good =
      std::all_of(shape.begin(), shape.end(), [](double x) { return x >= 1 && x == std::floor(x); }) &&
      shape[2] == 3 && shape[0] * shape[1] * shape[2] == double(n);
  require(
      good, kBadInput,
      "the artifact's spec: data.kind is 'images', but model.embedding_shape is not [rows, columns, 3] with "
      "a product of {}",
      n);
  return {uint64_t(shape[0]), uint64_t(shape[1])};
}

} // namespace

TrainSpec TrainSpec::parse(const std::string &specJson) {
  TrainSpec s;
  s.json = parseStrictJson(specJson, "the artifact's spec");
  require(s.json.is_object(), kBadInput, "the artifact's spec is no JSON object");

  Section model(s.json, "model");
  model.read("name", s.model.name);
  model.read("n", s.model.n, 1);
  model.read("vocab", s.model.vocab, 1);
  require(s.model.n > 0, kBadInput, "the artifact's spec has no model.n");
  require(s.model.vocab == 256, kBadInput,
          "the artifact's spec: model.vocab is {}, but a byte has 256 values", s.model.vocab);

  Section data(s.json, "data");
  data.read("kind", s.data.kind);
  require(s.data.kind == "text" || s.data.kind == "images" || s.data.kind == "audio", kBadInput,
          "the artifact's spec: data.kind is '{}', expected 'text', 'images' or 'audio'", s.data.kind);
  if (s.data.kind == "images") s.model.image = readImageShape(model, s.model.n);
  data.read("rate", s.data.rate, 1);
  data.read("path", s.data.path);
  data.read("split", s.data.split);
  data.read("batch", s.data.batch, 1);

  Section train(s.json, "train");
  train.read("steps", s.train.steps, 0);
  train.read("warmup", s.train.warmup, 0);
  train.read("accumulation", s.train.accumulation, 1);
  train.read("epochs", s.train.epochs);
  train.read("lr", s.train.lr);
  train.read("clip", s.train.clip);
  train.read("weight_decay", s.train.weightDecay);
  train.read("beta1", s.train.beta1);
  train.read("beta2", s.train.beta2);
  train.read("epsilon", s.train.epsilon);
  train.read("ema", s.train.ema);
  train.read("loss_scale", s.train.lossScale);
  train.read("schedule", s.train.schedule);
  train.readSeed("seed", s.train.seed);
  check(s.train.epochs >= 0, "train.epochs", s.train.epochs, "0 (use steps) or more");
  check(s.train.clip >= 0, "train.clip", s.train.clip, "0 (off) or more");
  check(s.train.beta1 >= 0 && s.train.beta1 < 1, "train.beta1", s.train.beta1, "[0, 1)");
  check(s.train.beta2 >= 0 && s.train.beta2 < 1, "train.beta2", s.train.beta2, "[0, 1)");
  check(s.train.ema >= 0 && s.train.ema < 1, "train.ema", s.train.ema, "[0, 1)");
  check(LossScaler::isScale(s.train.lossScale), "train.loss_scale", s.train.lossScale,
        "a power of two from 2^10 to 2^30");
  require(s.train.schedule == "cosine" || s.train.schedule == "constant", kBadInput,
          "the artifact's spec: train.schedule is '{}', expected 'cosine' or 'constant'", s.train.schedule);

  Section run(s.json, "run");
  run.read("out", s.run.out);
  run.read("precision", s.run.precision);
  require(s.run.precision == "fp32" || s.run.precision == "bf16" || s.run.precision == "fp16", kBadInput,
          "the artifact's spec: run.precision is '{}', expected 'fp32', 'bf16' or 'fp16'", s.run.precision);
  run.read("threads", s.run.threads, 0);
  run.read("log_every", s.run.logEvery, 0);
  run.read("eval_every", s.run.evalEvery, 0);
  run.read("eval_tokens", s.run.evalTokens, 0);
  run.read("checkpoint_every", s.run.checkpointEvery, 0);
  run.read("keep_checkpoints", s.run.keepCheckpoints, 0);
  run.read("max_seconds", s.run.maxSeconds);

  Section sample(s.json, "sample");
  sample.read("batch", s.sample.batch, 1);
  sample.read("top_k", s.sample.topK, 0);
  sample.read("length", s.sample.length, 0);
  sample.read("temperature", s.sample.temperature);
  check(s.sample.temperature >= 0, "sample.temperature", s.sample.temperature, "0 or more");
  return s;
}

} // namespace drawloom
