#include "runtime/support/Hash.h"
#include <fmt/format.h>
#include <new>
#include <xxhash.h>

namespace drawloom {

uint64_t hash64(std::span<const std::byte> bytes) { return XXH64(bytes.data(), bytes.size(), 0); }

std::string Hash128::text() const { return fmt::format("{:016x}{:016x}", high, low); }

struct Hasher128::State {
  State() : xxh(XXH3_createState()) {
    if (!xxh) throw std::bad_alloc();
    XXH3_128bits_reset(xxh);
  }
  ~State() { XXH3_freeState(xxh); }
  XXH3_state_t *xxh;
};

Hasher128::Hasher128() : state(std::make_unique<State>()) {}
Hasher128::~Hasher128() = default;

void Hasher128::add(std::span<const std::byte> bytes) {
  XXH3_128bits_update(state->xxh, bytes.data(), bytes.size());
}

Hash128 Hasher128::result() const {
  XXH128_hash_t hash = XXH3_128bits_digest(state->xxh);
  return {hash.low64, hash.high64};
}

} // namespace drawloom
