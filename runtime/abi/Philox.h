// Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
// Initial weights, dropout and sampling are functions of (seed, step, site, element): replayed, never stored.
#pragma once
#include <array>
#include <cstdint>

namespace drawloom::abi {

struct Philox {
  static constexpr uint32_t kMul0 = 0xD2511F53u, kMul1 = 0xCD9E8D57u;   // round multipliers
  static constexpr uint32_t kWeyl0 = 0x9E3779B9u, kWeyl1 = 0xBB67AE85u; // key increments a round
  static constexpr int kRounds = 10;

  /// Four random words for a 128-bit counter and a 64-bit key.
  static std::array<uint32_t, 4> block(std::array<uint32_t, 4> c, uint32_t k0, uint32_t k1) {
    for (int round = 0; round < kRounds; ++round) {
      uint64_t p0 = uint64_t(kMul0) * c[0], p1 = uint64_t(kMul1) * c[2];
      c = {uint32_t(p1 >> 32) ^ c[1] ^ k0, uint32_t(p1), uint32_t(p0 >> 32) ^ c[3] ^ k1, uint32_t(p0)};
      k0 += kWeyl0;
      k1 += kWeyl1;
    }
    return c;
  }
};

/// The block that holds the words of elements [4 b, 4 b + 4) of a tensor: counter (b, site, step low, step high), key = seed.
inline std::array<uint32_t, 4> philoxBlock(uint64_t seed, uint64_t step, uint32_t site, uint32_t b) {
  return Philox::block({b, site, uint32_t(step), uint32_t(step >> 32)}, uint32_t(seed), uint32_t(seed >> 32));
}

/// The word of one element (its row-major index in the tensor); dropout keeps the element when word >= rate * 2^32.
inline uint32_t dropoutWord(uint64_t seed, uint64_t step, uint32_t site, uint64_t element) {
  return philoxBlock(seed, step, site, uint32_t(element / 4))[element % 4];
}

/// rate * 2^32 rounded to nearest, the threshold that compiled code and the interpreter both use.
inline uint32_t dropoutThreshold(double rate) { return uint32_t(rate * 4294967296.0 + 0.5); }

} // namespace drawloom::abi
