// The CPU's memory: zeroed arenas, and read-only copies of an artifact's segments.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace drawloom {

/// A page-aligned anonymous mapping. Never empty: a request for nothing gives one page, so that every place
/// has an address.
class Mapping {
public:
  Mapping() = default;
  /// Zeroed, writable memory, on huge pages where that pays. Throws Error(kOutOfMemory).
  static Mapping zeroed(uint64_t bytes);
  /// A copy that cannot be written.
  static Mapping readOnly(std::span<const std::byte> content);
  /// A copy that can be executed and not written.
  static Mapping executable(std::span<const std::byte> content);
  ~Mapping();
  Mapping(Mapping &&other) noexcept;
  Mapping &operator=(Mapping &&other) noexcept;

  /// Makes all of it zeros again and gives its pages back. Not for copies.
  void clear();

  std::byte *data() const { return base; }
  uint64_t bytes() const { return size; }

private:
  static Mapping copy(std::span<const std::byte> content, int protection);
  std::byte *base = nullptr;
  uint64_t size = 0;     // as asked for
  uint64_t reserved = 0; // of the mapping
};

/// Bytes that this process can still allocate without swapping: what the kernel counts as available, and what
/// the memory limit of its control group leaves. UINT64_MAX when neither can be read.
uint64_t availableMemory();

} // namespace drawloom
