// CRC-32C (Castagnoli), as TensorBoard's record files use it.
#pragma once
#include <cstdint>
#include <string_view>

namespace drawloom {

uint32_t crc32c(std::string_view bytes);
/// The form that records store: rotated and offset, so that a CRC of data that holds CRCs is no trap.
inline uint32_t maskedCrc32c(std::string_view bytes) {
  uint32_t c = crc32c(bytes);
  return ((c >> 15) | (c << 17)) + 0xA282EAD8u;
}

} // namespace drawloom
