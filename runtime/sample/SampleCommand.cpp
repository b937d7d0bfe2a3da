// The verb "sample".
#include "runtime/checkpoint/StrictJson.h"
#include "runtime/sample/Decoder.h"
#include "runtime/sample/Utf8.h"
#include "runtime/support/Clock.h"
#include "runtime/support/Format.h"
#include "runtime/train/ChooseWeights.h"
#include "runtime/train/Commands.h"
#include "runtime/train/TrainSpec.h"
#include <cstdio>
#include <unistd.h>

namespace drawloom {

/// Bytes to stdout as they come: whole characters on a terminal, the bytes themselves elsewhere.
class Streamer {
public:
  void text(const std::string &bytes) {
    for (char b : bytes) byte(uint8_t(b));
  }
  void byte(uint8_t b) { show(terminal ? utf8.add(b) : std::string(1, char(b))); }
  void finish() { show((terminal ? utf8.finish() : "") + "\n"); }

private:
  void show(const std::string &s) {
    std::fwrite(s.data(), 1, s.size(), stdout);
    if (!s.empty()) std::fflush(stdout);
    require(!std::ferror(stdout), kIo, "cannot write to stdout");
  }
  bool terminal = ::isatty(STDOUT_FILENO) == 1;
  Utf8Stream utf8;
};

static void printJson(const std::vector<std::string> &texts, const SampleOptions &o, const SampleSettings &s,
                      const ChosenWeights &weights, double seconds) {
  Json j{{"prompt", displayText(o.prompt)},
         {"temperature", s.temperature},
         {"top_k", s.topK},
         {"seed", s.seed},
         {"checkpoint", weights.path},
         {"weights", weights.name()},
         {"seconds", seconds}};
  j["samples"] = Json::array();
  for (const std::string &t : texts) {
    Json bytes = Json::array(); // text that is not UTF-8 cannot be told from its display form
    for (char b : t) bytes.push_back(uint8_t(b));
    j["samples"].push_back({{"text", displayText(t)}, {"bytes", bytes}});
  }
  fmt::print("{}\n", j.dump());
}

int sampleCommand(TrainableProgram &program, const SampleOptions &o) {
  require(program.hasFunction("decode"), kBadInput,
          "the artifact cannot sample: it has no function 'decode'");
  TrainSpec spec = TrainSpec::parse(program.specJson());
  SampleSettings settings{o.temperature.value_or(spec.sample.temperature),
                          o.topK.value_or(int(spec.sample.topK)), o.seed, 0};
  require(settings.temperature >= 0, kUsage, "--temperature {}: expected 0 or more", settings.temperature);
  require(o.count > 0, kUsage, "--count {}: expected 1 or more", o.count);
  uint64_t rows = uint64_t(spec.sample.batch), length = uint64_t(o.length.value_or(spec.sample.length));
  ChosenWeights weights =
      chooseWeights(program, o.out.empty() ? spec.run.out : o.out, o.checkpoint, o.weights);

  Stopwatch watch;
  std::vector<std::string> texts;
  bool stream = o.count == 1 && !o.json; // the first row as it comes; rows beyond the count are not shown
  Streamer streamer;
  if (stream) streamer.text(o.prompt);
  while (texts.size() < size_t(o.count)) {
    settings.firstRow = texts.size();
    auto onByte = [&](uint64_t row, uint8_t b) {
      if (stream && row == 0) streamer.byte(b);
    };
    for (auto &t : drawText(program, uint64_t(spec.model.n), rows, o.prompt, length, settings, onByte))
      if (texts.size() < size_t(o.count)) texts.push_back(std::move(t));
  }
  double seconds = watch.seconds();
  if (stream)
    streamer.finish();
  else if (o.json)
    printJson(texts, o, settings, weights, seconds);
  else
    for (size_t k = 0; k < texts.size(); ++k) {
      fmt::print("--- sample {} of {}\n", k + 1, texts.size());
      std::fflush(stdout);
      Streamer one;
      one.text(o.prompt + texts[k]);
      one.finish();
    }
  if (!o.json && ::isatty(STDERR_FILENO))
    fmt::print(stderr, "({} bytes in {}, {} weights of {})\n", texts[0].size(), formatDuration(seconds),
               weights.name(), weights.path);
  return kSuccess;
}

int sampleCommand(Program &program, const SampleOptions &options) {
  ProgramAdapter adapter(program);
  return sampleCommand(adapter, options);
}

} // namespace drawloom
