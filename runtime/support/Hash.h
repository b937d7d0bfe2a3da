// Hashes of what is written to disk: xxh64 with seed 0 in artifacts and checkpoints, XXH3's 128 bits where a
// hash is the name of what it was made from.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace drawloom {

uint64_t hash64(std::span<const std::byte> bytes);
inline uint64_t hash64(std::string_view text) { return hash64(std::as_bytes(std::span(text))); }

struct Hash128 {
  uint64_t low = 0, high = 0;
  bool operator==(const Hash128 &) const = default;
  /// 32 hexadecimal digits.
  std::string text() const;
};

/// Hashes bytes that come in parts; where they are cut does not matter.
class Hasher128 {
public:
  Hasher128();
  ~Hasher128();
  Hasher128(const Hasher128 &) = delete;
  Hasher128 &operator=(const Hasher128 &) = delete;

  void add(std::span<const std::byte> bytes);
  void add(std::string_view text) { add(std::as_bytes(std::span(text))); }
  Hash128 result() const;

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace drawloom
