// The verb "sample".
#include "runtime/checkpoint/StrictJson.h"
#include "runtime/sample/Decoder.h"
#include "runtime/sample/HeldOut.h"
#include "runtime/sample/SampleOutput.h"
#include "runtime/support/Format.h"
#include "runtime/train/ChooseWeights.h"
#include "runtime/train/Commands.h"
#include <algorithm>
#include <unistd.h>

namespace drawloom {
namespace {

/// Options that this kind of model has no use for are mistakes; so is drawing what nobody will see.
void checkOptions(const SampleOptions &o, const TrainSpec &spec) {
  const std::string &kind = spec.data.kind;
  bool images = kind == "images";
  require(o.count > 0, kUsage, "--count {}: expected 1 or more", o.count);
  require(images || o.sheet.empty(), kUsage, "--sheet is for models of images; this one is of {}", kind);
  require(images || !o.complete, kUsage, "--complete is for models of images; this one is of {}", kind);
  require(kind == "text" || o.prompt.empty(), kUsage, "--prompt is for models of text; this one is of {}",
          kind);
  require(!images || !o.length, kUsage, "--length is for text and sound; an image is drawn whole");
  int64_t rows = int64_t(spec.model.image.rows);
  require(!o.complete || (*o.complete >= 1 && *o.complete < rows), kUsage,
          "--complete {}: expected 1 to {} rows (of {})", o.complete.value_or(0), rows - 1, rows);
  if (kind != "text" && o.outFile.empty() && o.sheet.empty() && !o.json)
    failWithHint(kUsage,
                 images ? "--sheet FILE.png, --out-file FILE.png or --json" : "--out-file FILE.wav or --json",
                 "samples of {} need a file", kind);
  for (const std::string &file : {o.sheet, o.outFile})
    if (!file.empty()) requireWritable(file);
}

/// The samples, with what is given to the model already in them.
std::vector<Sample> givenSamples(const SampleOptions &o, TrainSpec &spec) {
  std::vector<Sample> samples(size_t(o.count), {o.prompt, {}, {}});
  if (!o.complete) return samples;
  if (!o.data.empty()) spec.data.path = o.data;
  auto images = heldOutImages(openModelData(spec), o.split, uint64_t(o.count));
  size_t given = size_t(*o.complete) * spec.model.image.columns * 3;
  for (size_t k = 0; k < samples.size(); ++k) samples[k] = {images[k].substr(0, given), {}, images[k]};
  return samples;
}

/// Draws all samples, as many side by side as the model decodes. `onFirst` sees the bytes of the first one.
void drawAll(TrainableProgram &program, const TrainSpec &spec, SampleSettings settings, uint64_t length,
             std::vector<Sample> &samples, const std::function<void(uint8_t)> &onFirst) {
  uint64_t n = uint64_t(spec.model.n), rows = uint64_t(spec.sample.batch), room = n - samples[0].given.size();
  DrawingProgress progress(samples.size(), length == 0 ? room : std::min(length, room));
  for (uint64_t first = 0; first < samples.size(); first += rows) {
    settings.firstRow = first;
    std::vector<std::string> given; // rows that are over repeat the last sample, and are not kept
    for (uint64_t r = 0; r < rows; ++r)
      given.push_back(samples[std::min(first + r, samples.size() - 1)].given);
    uint64_t position = 0;
    auto drawn = drawText(program, n, given, length, settings, [&](uint64_t row, uint8_t b) {
      if (row != 0) return;
      if (onFirst && first == 0) onFirst(b);
      if (!onFirst) progress.show(first, ++position);
    });
    for (uint64_t r = 0; r < rows && first + r < samples.size(); ++r)
      samples[first + r].drawn = std::move(drawn[r]);
  }
}

void printJson(const std::vector<Sample> &samples, const TrainSpec &spec, const SampleOptions &o,
               const SampleSettings &s, const ChosenWeights &weights, double seconds) {
  Json j{{"temperature", s.temperature}, {"top_k", s.topK},           {"seed", s.seed},
         {"checkpoint", weights.path},   {"weights", weights.name()}, {"seconds", seconds},
         {"kind", spec.data.kind}};
  bool text = spec.data.kind == "text";
  if (text) j["prompt"] = displayText(o.prompt);
  if (o.complete) j["given_rows"] = *o.complete;
  j["samples"] = Json::array();
  for (const Sample &sample : samples) {
    Json bytes = Json::array(), one; // text that is not UTF-8 cannot be told from its display form
    for (char b : text ? sample.drawn : sample.whole()) bytes.push_back(uint8_t(b));
    if (text) one["text"] = displayText(sample.drawn);
    one["bytes"] = bytes;
    j["samples"].push_back(one);
  }
  fmt::print("{}\n", j.dump());
}

void printTexts(const std::vector<Sample> &samples) {
  for (size_t k = 0; k < samples.size(); ++k) {
    fmt::print("--- sample {} of {}\n", k + 1, samples.size());
    std::fflush(stdout);
    Streamer one;
    one.text(samples[k].whole());
    one.finish();
  }
}

} // namespace

int sampleCommand(TrainableProgram &program, const SampleOptions &o) {
  require(program.hasFunction("decode"), kBadInput,
          "the artifact cannot sample: it has no function 'decode'");
  TrainSpec spec = TrainSpec::parse(program.specJson());
  SampleSettings settings{o.temperature.value_or(spec.sample.temperature),
                          o.topK.value_or(int(spec.sample.topK)), o.seed, 0};
  require(settings.temperature >= 0, kUsage, "--temperature {}: expected 0 or more", settings.temperature);
  checkOptions(o, spec);
  bool text = spec.data.kind == "text", files = !o.outFile.empty() || !o.sheet.empty();
  uint64_t length = spec.data.kind == "images" ? 0 : uint64_t(o.length.value_or(spec.sample.length));
  std::vector<Sample> samples = givenSamples(o, spec);
  ChosenWeights weights =
      chooseWeights(program, o.out.empty() ? spec.run.out : o.out, o.checkpoint, o.weights);

  Stopwatch watch;
  bool stream = text && o.count == 1 && !o.json && !files; // the first row as it comes
  Streamer streamer;
  if (stream) streamer.text(o.prompt);
  std::function<void(uint8_t)> onFirst;
  if (stream) onFirst = [&](uint8_t b) { streamer.byte(b); };
  drawAll(program, spec, settings, length, samples, onFirst);
  double seconds = watch.seconds();

  if (!o.outFile.empty()) writeSamples(o.outFile, spec, samples);
  if (!o.sheet.empty()) writeSheet(o.sheet, spec.model.image, samples);
  if (stream)
    streamer.finish();
  else if (o.json)
    printJson(samples, spec, o, settings, weights, seconds);
  else if (!files)
    printTexts(samples);
  if (!o.json && (files || ::isatty(STDERR_FILENO)))
    fmt::print(stderr, "({} of {} bytes in {}, {} weights of {})\n",
               samples.size() == 1 ? "a sample" : fmt::format("{} samples", samples.size()),
               samples[0].drawn.size(), formatDuration(seconds), weights.name(), weights.path);
  return kSuccess;
}

int sampleCommand(Program &program, const SampleOptions &options) {
  ProgramAdapter adapter(program);
  return sampleCommand(adapter, options);
}

} // namespace drawloom
