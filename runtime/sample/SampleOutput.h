// Where samples go: to the terminal as they come, to stdout as JSON, to text, PNG and WAV files.
#pragma once
#include "runtime/sample/Utf8.h"
#include "runtime/support/Clock.h"
#include "runtime/train/TrainSpec.h"
#include <string>
#include <vector>

namespace drawloom {

/// A finished sample: what was given and what was drawn behind it.
struct Sample {
  std::string given, drawn;
  std::string original; // of an image that was completed
  std::string whole() const { return given + drawn; }
};

/// Bytes to stdout as they come: whole characters on a terminal, the bytes themselves elsewhere.
class Streamer {
public:
  Streamer();
  void text(const std::string &bytes) {
    for (char b : bytes) byte(uint8_t(b));
  }
  void byte(uint8_t b) { show(terminal ? utf8.add(b) : std::string(1, char(b))); }
  void finish() { show((terminal ? utf8.finish() : "") + "\n"); }

private:
  void show(const std::string &s);
  bool terminal;
  Utf8Stream utf8;
};

/// A note on stderr now and then of how far drawing has come.
class DrawingProgress {
public:
  DrawingProgress(uint64_t samples, uint64_t bytes) : samples(samples), bytes(bytes) {}
  ~DrawingProgress();
  /// `done` samples are finished, and `position` bytes of those that are being drawn.
  void show(uint64_t done, uint64_t position);

private:
  uint64_t samples, bytes; // of a sample
  Stopwatch sinceLine;
  bool open = false;
};

/// "out.png" for a single file; "out-03.png" for number 3 (from 1) of up to 99.
std::string numberedPath(const std::string &path, uint64_t number, uint64_t count);

/// Throws Error(kIo) unless a file could be made there: better now than after an hour of drawing.
void requireWritable(const std::string &path);

/// Writes a file a sample: PNG for images, WAV for sound, the bytes themselves for text.
void writeSamples(const std::string &path, const TrainSpec &spec, const std::vector<Sample> &samples);

/// All images on one sheet; completed ones beside what was given (left) and the original (right).
void writeSheet(const std::string &path, ImageShape shape, const std::vector<Sample> &samples);

} // namespace drawloom
