// xxh64 with seed 0, the hash of everything in an artifact and a checkpoint.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace drawloom {

uint64_t hash64(std::span<const std::byte> bytes);
inline uint64_t hash64(std::string_view text) { return hash64(std::as_bytes(std::span(text))); }

} // namespace drawloom
