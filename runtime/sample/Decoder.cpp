#include "runtime/sample/Decoder.h"
#include "runtime/abi/Abi.h"
#include "runtime/data/Batches.h"
#include "runtime/sample/Choose.h"
#include <algorithm>

namespace drawloom {

static constexpr uint64_t kBytes = 256; // the bytes that logits range over

Decoder::Decoder(TrainableProgram &program, uint64_t n, uint64_t rows) : program(program), n(n) {
  token = program.view<int32_t>(abi::io::kToken, rows);
  positionBuffer = program.view<int64_t>(abi::io::kPosition, 1);
  logits = program.view<float>(abi::io::kLogits, rows * kBytes);
  restart();
}

void Decoder::restart() {
  at = 0;
  program.clear(plan::Arena::State);
}

std::span<const float> Decoder::advance(std::span<const int32_t> tokens) {
  require(at < n, kUsage, "the model's context of {} bytes is full", n);
  std::copy(tokens.begin(), tokens.end(), token.begin());
  positionBuffer[0] = int64_t(at++);
  program.run("decode");
  return logits;
}

std::vector<std::string> drawText(TrainableProgram &program, uint64_t n,
                                  const std::vector<std::string> &prompts, uint64_t length,
                                  const SampleSettings &settings,
                                  const std::function<void(uint64_t, uint8_t)> &onByte) {
  uint64_t rows = prompts.size(), given = prompts[0].size();
  // Position t reads byte t - 1 and predicts byte t: a context of n bytes holds the prompt and what is drawn.
  require(given < n, kUsage, "the prompt has {} bytes, expected at most {} (model.n - 1)", given, n - 1);
  uint64_t room = n - given, count = length == 0 ? room : std::min(length, room);
  Decoder decoder(program, n, rows);
  std::vector<int32_t> tokens(rows, kStartSymbol);
  std::span<const float> logits = decoder.advance(tokens);
  for (uint64_t k = 0; k < given; ++k) {
    for (uint64_t r = 0; r < rows; ++r) tokens[r] = int32_t(uint8_t(prompts[r][k]));
    logits = decoder.advance(tokens);
  }
  std::vector<std::string> text(rows);
  for (uint64_t drawn = 0;;) {
    for (uint64_t r = 0; r < rows; ++r) {
      double u = sampleUniform(settings.seed, decoder.position(), uint32_t(settings.firstRow + r));
      tokens[r] = chooseByte(logits.subspan(r * kBytes, kBytes), settings.temperature, settings.topK, u);
      text[r].push_back(char(tokens[r]));
      if (onByte) onByte(r, uint8_t(tokens[r]));
    }
    if (++drawn == count) return text;
    logits = decoder.advance(tokens);
  }
}

} // namespace drawloom
