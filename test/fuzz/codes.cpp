// Mu-law codes of any floats, NaN and infinities among them: each code stands for the level next to its
// sample.
#include "runtime/data/MuLaw.h"
#include <cstddef>
#include <cstring>

using namespace drawloom;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  for (size_t at = 0; at + sizeof(float) <= size; at += sizeof(float)) {
    float x;
    std::memcpy(&x, data + at, sizeof x);
    uint8_t code = encodeMuLaw(x);
    if (encodeMuLaw(decodeMuLaw(code)) != code) __builtin_trap();
    if (std::isnan(x)) continue;
    float clipped = std::clamp(x, -1.0f, 1.0f), found = decodeMuLaw(code);
    // Neighbouring levels lie at most 4.5 % of full scale apart.
    if (std::abs(found - clipped) > 0.0225f) __builtin_trap();
  }
  return 0;
}
