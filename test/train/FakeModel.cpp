#include "test/train/FakeModel.h"
#include "runtime/abi/Abi.h"
#include "runtime/abi/Philox.h"
#include <algorithm>
#include <cmath>
#include <fstream>
#include <unistd.h>

namespace drawloom::test {

FakeModel::FakeModel(const FakeSettings &settings) : s(settings) {
  spec = fmt::format(R"({{"model": {{"name": "fake", "n": {}, "vocab": 256{}}},
    "data": {{"kind": "{}", "path": "{}", "split": {}, "batch": {}}},
    "train": {{{}}}, "run": {{{}}}, "sample": {{"batch": {}, "temperature": 1.0, "top_k": 0, "length": 0}}}})",
                     s.n, s.extraModel, s.kind, s.data, s.split, s.batch, s.train, s.run, s.sampleBatch);
  uint64_t b = uint64_t(s.batch), n = uint64_t(s.n), rows = uint64_t(s.sampleBatch);
  addBuffer("tokens", plan::DType::I32, {b, n}, 4);
  addBuffer("targets", plan::DType::I32, {b, n}, 4);
  addBuffer("loss_weights", plan::DType::F32, {b, n}, 4);
  addBuffer("nll", plan::DType::F32, {b, n}, 4);
  addBuffer("rng", plan::DType::I64, {2}, 8);
  addBuffer("hyper", plan::DType::F32, {16}, 4);
  addBuffer("grad_norm", plan::DType::F32, {1}, 4);
  addBuffer("token", plan::DType::I32, {rows, 1}, 4);
  addBuffer("position", plan::DType::I64, {1}, 8);
  addBuffer("logits", plan::DType::F32, {rows, 1, 256}, 4);
  addParameter("table.weight", {257, 256}, plan::Init::Normal, true);
  addParameter("bias", {256}, plan::Init::Zeros, false);
}

void FakeModel::addBuffer(const char *name, plan::DType dtype, std::vector<uint64_t> shape,
                          uint64_t elementBytes) {
  uint64_t bytes = elementBytes;
  for (uint64_t extent : shape) bytes *= extent;
  buffers[name] = {dtype, shape, std::vector<std::byte>(bytes)};
}

void FakeModel::addParameter(const char *name, std::vector<uint64_t> shape, plan::Init init, bool decay) {
  size_t count = 1;
  for (uint64_t extent : shape) count *= extent;
  ParameterRef r;
  r.name = name;
  r.shape = std::move(shape);
  r.init = init;
  r.stddev = 0.1;
  r.decay = decay;
  for (auto member : {&ParameterRef::value, &ParameterRef::gradient, &ParameterRef::moment1,
                      &ParameterRef::moment2, &ParameterRef::ema}) {
    memory.push_back(std::make_unique<std::vector<float>>(count));
    r.*member = *memory.back();
  }
  refs.push_back(r);
}

void FakeModel::clear(plan::Arena arena) {
  if (arena == plan::Arena::State) {
    ++cleared;
    fed.clear();
  }
  for (auto &r : refs) {
    if (arena == plan::Arena::Gradients) std::ranges::fill(r.gradient, 0.0f);
    if (arena != plan::Arena::Optimizer) continue;
    for (auto span : {r.moment1, r.moment2, r.ema}) std::ranges::fill(span, 0.0f);
  }
}

BufferRef FakeModel::buffer(std::string_view name) {
  auto it = buffers.find(name);
  if (it == buffers.end()) fail(kBadInput, "no buffer '{}'", name);
  return {it->second.bytes.data(), it->second.bytes.size(), it->second.dtype, it->second.shape};
}

std::vector<float> FakeModel::all() const {
  std::vector<float> out;
  for (auto &r : refs)
    for (auto span : {r.value, r.moment1, r.moment2, r.ema}) out.insert(out.end(), span.begin(), span.end());
  return out;
}

void FakeModel::run(std::string_view function) {
  if (before) before(function);
  if (function == "gradient")
    gradient();
  else if (function == "update")
    update();
  else if (function == "evaluate")
    evaluate();
  else if (function == "decode")
    decode();
  else
    fail(kUsage, "no function '{}'", function);
  if (after) after(function);
}

void FakeModel::evaluate() {
  auto *tokens = data<int32_t>("tokens"), *targets = data<int32_t>("targets");
  auto *nll = data<float>("nll");
  for (int64_t k = 0; k < s.batch * s.n; ++k) {
    double sum = 0;
    for (int v = 0; v < 256; ++v) sum += std::exp(double(logit(tokens[k], v)));
    nll[k] = float(std::log(sum) - double(logit(tokens[k], targets[k])));
  }
}

void FakeModel::gradient() {
  evaluate();
  auto *tokens = data<int32_t>("tokens"), *targets = data<int32_t>("targets");
  auto *weights = data<float>("loss_weights");
  auto *rng = data<int64_t>("rng");
  uint32_t word = abi::dropoutWord(uint64_t(rng[0]), uint64_t(rng[1]), 0, 0);
  double noise = 1 + 0.1 * double(word) * 0x1p-32;
  for (int64_t k = 0; k < s.batch * s.n; ++k) {
    double sum = 0;
    for (int v = 0; v < 256; ++v) sum += std::exp(double(logit(tokens[k], v)));
    for (int v = 0; v < 256; ++v) {
      double g = std::exp(double(logit(tokens[k], v))) / sum - (v == targets[k] ? 1 : 0);
      float d = float(g * noise * double(weights[k]));
      refs[0].gradient[size_t(tokens[k]) * 256 + size_t(v)] += d;
      refs[1].gradient[size_t(v)] += d;
    }
  }
}

void FakeModel::update() {
  auto *h = data<float>("hyper");
  double squares = 0;
  for (auto &r : refs)
    for (float g : r.gradient) squares += double(g) * double(g);
  float norm = float(std::sqrt(squares));
  *data<float>("grad_norm") = norm;
  if (!std::isfinite(norm)) {
    if (h[abi::kSkipNonFinite] > 0)
      for (auto &r : refs) std::fill(r.gradient.begin(), r.gradient.end(), 0.0f);
    return;
  }
  float unscale = h[abi::kGradScale];
  float scale = unscale * (h[abi::kClipNorm] > 0 ? std::min(1.0f, h[abi::kClipNorm] / (unscale * norm)) : 1);
  for (auto &r : refs)
    for (size_t k = 0; k < r.value.size(); ++k) {
      float g = r.gradient[k] * scale;
      float &m = r.moment1[k], &v = r.moment2[k], &w = r.value[k];
      m = h[abi::kBeta1] * m + (1 - h[abi::kBeta1]) * g;
      v = h[abi::kBeta2] * v + (1 - h[abi::kBeta2]) * g * g;
      float step =
          m / h[abi::kBiasCorrection1] / (std::sqrt(v / h[abi::kBiasCorrection2]) + h[abi::kEpsilon]);
      w -= h[abi::kLearningRate] * (step + (r.decay ? h[abi::kWeightDecay] * w : 0));
      r.ema[k] = h[abi::kEmaDecay] * r.ema[k] + (1 - h[abi::kEmaDecay]) * w;
      r.gradient[k] = 0;
    }
}

void FakeModel::decode() {
  auto *token = data<int32_t>("token");
  if (*data<int64_t>("position") != int64_t(fed.size()) / s.sampleBatch)
    fail(kInternal, "positions are not in order");
  for (int64_t r = 0; r < s.sampleBatch; ++r) {
    fed.push_back(token[r]);
    for (int v = 0; v < 256; ++v) data<float>("logits")[r * 256 + v] = logit(token[r], v);
  }
}

ScratchFolder::ScratchFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "drawloom-train-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
  path = name;
}

std::string someText(size_t bytes) {
  std::string text;
  uint32_t x = 1;
  while (text.size() < bytes) {
    x = x * 1664525u + 1013904223u;
    static const char *words[] = {"the ", "loom ", "weaves ", "a ", "cloth ", "of ", "threads. ", "so "};
    text += words[x >> 29];
  }
  text.resize(bytes);
  return text;
}

void writeText(const std::string &path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string errorOf(int exitCode, const std::function<void()> &f) {
  try {
    f();
  } catch (const Error &e) {
    EXPECT_EQ(e.exitCode, exitCode) << e.text();
    return e.text();
  }
  ADD_FAILURE() << "expected an Error with exit code " << exitCode;
  return {};
}

} // namespace drawloom::test
