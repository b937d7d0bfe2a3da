// The continuous mu-law with mu = 255 in 256 levels, as models of raw sound use it: y = sign(x) ln(1 +
// 255|x|) / ln 256 in [-1, 1], rounded to the nearest of 256 evenly spaced levels. Silence is code 128.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace drawloom {

/// The code of a sample; samples outside [-1, 1] are clipped.
inline uint8_t encodeMuLaw(float x) {
  double magnitude = std::min(1.0, std::abs(double(x)));
  double y = std::copysign(std::log1p(255 * magnitude) / std::log(256.0), double(x));
  return uint8_t(std::min(255.0, std::floor((y + 1) * 127.5 + 0.5)));
}

/// The sample in [-1, 1] that a code stands for.
inline float decodeMuLaw(uint8_t code) {
  double y = double(code) / 127.5 - 1;
  return float(std::copysign(std::expm1(std::abs(y) * std::log(256.0)) / 255, y));
}

} // namespace drawloom
