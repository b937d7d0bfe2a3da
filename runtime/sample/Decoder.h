// Incremental decoding: one position at a time, with the compiled model's caches of keys and values.
#pragma once
#include "runtime/train/TrainableProgram.h"
#include <functional>
#include <string>
#include <vector>

namespace drawloom {

struct SampleSettings {
  double temperature = 1;
  int64_t topK = 0;
  uint64_t seed = 0;
  uint64_t firstRow = 0; // number of the first row's sample: rows with equal numbers draw the same text
};

class Decoder {
public:
  /// `n` positions, `rows` samples side by side (sample.batch). Throws Error(kBadInput) when the buffers are
  /// others.
  Decoder(TrainableProgram &program, uint64_t n, uint64_t rows);

  /// Forgets everything: position 0, caches zero.
  void restart();
  /// Feeds one token a row (0..255, or the start symbol 256 at position 0) and returns the logits [rows, 256]
  /// of what comes next. At most n times after restart().
  std::span<const float> advance(std::span<const int32_t> tokens);
  uint64_t position() const { return at; } // tokens fed so far

private:
  TrainableProgram &program;
  uint64_t n, at = 0;
  std::span<int32_t> token;
  std::span<int64_t> positionBuffer;
  std::span<float> logits;
};

/// Draws `length` bytes behind each row's prompt (fewer when the context of n bytes is full; 0: until then)
/// and returns the rows' bytes without the prompts, which are equally long. `onByte(row, byte)` sees each as
/// it is drawn. Every byte of a row is a function of the weights, the prompt, the settings and the row's
/// number. Throws Error(kUsage) when the prompt leaves no room.
std::vector<std::string> drawText(TrainableProgram &program, uint64_t n,
                                  const std::vector<std::string> &prompts, uint64_t length,
                                  const SampleSettings &settings,
                                  const std::function<void(uint64_t row, uint8_t byte)> &onByte = {});

} // namespace drawloom
