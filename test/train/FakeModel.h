// A tiny model with hand-written gradients, so that training, checkpoints, evaluation and sampling are tested
// without the compiler: logits(byte t) = table[token t] + bias, a bigram model. Its gradients are scaled by a
// random number of (seed, micro-step), as dropout would, so that resuming must replay both.
#pragma once
#include "runtime/support/Error.h"
#include "runtime/train/TrainableProgram.h"
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <functional>
#include <gtest/gtest.h>
#include <map>

namespace drawloom::test {

struct FakeSettings {
  int64_t n = 16, batch = 2, sampleBatch = 1;
  std::string train =
      R"("steps": 12, "lr": 0.05, "warmup": 3, "clip": 1.0, "weight_decay": 0.01, "ema": 0.9, "seed": 7)";
  std::string data = {}; // path
  std::string split = "[0.8, 0.1, 0.1]";
  std::string run = R"("log_every": 2)";
  std::string extraModel = {}; // further members of the section model
  std::string kind = "text";   // of the data
};

class FakeModel final : public TrainableProgram {
public:
  explicit FakeModel(const FakeSettings &settings);
  std::string specJson() const override { return spec; }
  bool hasFunction(std::string_view) const override { return true; }
  void run(std::string_view function) override;
  BufferRef buffer(std::string_view name) override;
  const std::vector<ParameterRef> &parameters() const override { return refs; }
  void clear(plan::Arena arena) override;
  uint64_t functionFlops(std::string_view) const override { return 0; }
  int threads() const override { return 1; }
  std::string memoryReport() const override { return {}; }
  void setProfiling(bool on) override { profiling = on; }
  std::string trace(const std::vector<std::string> &functions) const override {
    return fmt::format("trace of {}", fmt::join(functions, ", "));
  }

  std::function<void(std::string_view function)> before, after; // hooks of a test
  int cleared = 0;                                              // State, how often
  bool profiling = false;
  std::vector<int32_t> fed;       // tokens that decode has read since State was cleared
  std::vector<float> all() const; // every value, moment and moving average

private:
  void gradient();
  void update();
  void evaluate();
  void decode();
  float logit(int32_t token, int byte) const {
    return refs[0].value[size_t(token) * 256 + size_t(byte)] + refs[1].value[size_t(byte)];
  }
  template <class T> T *data(const char *name) {
    return reinterpret_cast<T *>(buffers.at(name).bytes.data());
  }
  void addBuffer(const char *name, plan::DType dtype, std::vector<uint64_t> shape, uint64_t elementBytes);
  void addParameter(const char *name, std::vector<uint64_t> shape, plan::Init init, bool decay);

  struct Buffer {
    plan::DType dtype;
    std::vector<uint64_t> shape;
    std::vector<std::byte> bytes;
  };
  FakeSettings s;
  std::string spec;
  std::map<std::string, Buffer, std::less<>> buffers;
  std::vector<std::unique_ptr<std::vector<float>>> memory;
  std::vector<ParameterRef> refs;
};

/// A folder that is deleted with everything in it.
class ScratchFolder {
public:
  ScratchFolder();
  ~ScratchFolder() { std::filesystem::remove_all(path); }
  std::string operator/(const std::string &name) const { return path / name; }
  std::filesystem::path path;
};

/// A text of `bytes` bytes with structure that a bigram model can learn.
std::string someText(size_t bytes);
void writeText(const std::string &path, std::string_view text);

/// Runs `f`, which must throw Error with that exit code, and gives its text.
std::string errorOf(int exitCode, const std::function<void()> &f);

} // namespace drawloom::test
