#include "runtime/cuda/Noise.h"
#include "runtime/abi/Philox.h"
#include "runtime/artifact/Verify.h"
#include <algorithm>
#include <cstring>

namespace drawloom::cuda {

std::vector<std::byte> noise(plan::DType type, uint64_t count, uint64_t seed) {
  uint64_t size = elementBytes(type);
  std::vector<std::byte> out(count * size);
  for (uint64_t k = 0; k < count; k += 4) {
    auto words = abi::philoxBlock(seed, 0, 0, uint32_t(k / 4));
    for (uint64_t e = 0; e < std::min<uint64_t>(4, count - k); ++e) {
      float value = float(words[e]) * 0x1p-31f - 1;
      std::byte *to = out.data() + (k + e) * size;
      if (type == plan::DType::F16) {
        _Float16 half = _Float16(value);
        std::memcpy(to, &half, 2);
      } else { // little-endian: a bf16 is the upper half
        std::memcpy(to, reinterpret_cast<std::byte *>(&value) + sizeof value - size, size);
      }
    }
  }
  return out;
}

} // namespace drawloom::cuda
