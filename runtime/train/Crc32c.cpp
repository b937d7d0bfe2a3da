#include "runtime/train/Crc32c.h"
#include <array>

namespace drawloom {

static constexpr uint32_t kPolynomial = 0x82F63B78u; // 0x1EDC6F41 with its bits reversed

static constexpr std::array<uint32_t, 256> kTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t b = 0; b < 256; ++b) {
    uint32_t c = b;
    for (int bit = 0; bit < 8; ++bit) c = c & 1 ? (c >> 1) ^ kPolynomial : c >> 1;
    table[b] = c;
  }
  return table;
}();

uint32_t crc32c(std::string_view bytes) {
  uint32_t c = ~0u;
  for (unsigned char b : bytes) c = kTable[(c ^ b) & 0xFF] ^ (c >> 8);
  return ~c;
}

} // namespace drawloom
