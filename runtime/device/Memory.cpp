#include "runtime/device/Memory.h"
#include "runtime/support/Error.h"
#include "runtime/support/Format.h"
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <sys/mman.h>
#include <utility>

namespace drawloom {

static constexpr uint64_t kPage = 4096, kHugePage = 2 << 20;

static uint64_t roundUp(uint64_t bytes, uint64_t to) { return (bytes + to - 1) / to * to; }

Mapping Mapping::zeroed(uint64_t bytes) {
  Mapping m;
  m.size = bytes;
  m.reserved = std::max(roundUp(bytes, kPage), kPage);
  // A mapping of 2 MiB or more is placed on a huge page's boundary: reserve more and give the ends back.
  bool huge = m.reserved >= kHugePage;
  uint64_t asked = m.reserved + (huge ? kHugePage : 0);
  void *p = ::mmap(nullptr, asked, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) failErrno(ENOMEM, fmt::format("cannot allocate {}", formatBytes(bytes)));
  auto *begin = static_cast<std::byte *>(p);
  m.base = begin;
  if (huge) {
    m.base =
        begin + (roundUp(reinterpret_cast<uintptr_t>(begin), kHugePage) - reinterpret_cast<uintptr_t>(begin));
    if (m.base != begin) ::munmap(begin, size_t(m.base - begin));
    if (auto *end = m.base + m.reserved; end != begin + asked) ::munmap(end, size_t(begin + asked - end));
    ::madvise(m.base, m.reserved, MADV_HUGEPAGE); // only advice
  }
  return m;
}

Mapping Mapping::copy(std::span<const std::byte> content, int protection) {
  Mapping m = zeroed(content.size());
  if (!content.empty()) std::memcpy(m.base, content.data(), content.size());
  if (::mprotect(m.base, m.reserved, protection) != 0)
    failErrno(errno, protection & PROT_EXEC
                         ? "the system does not let this process map compiled code as executable"
                         : "cannot protect memory against writing");
  return m;
}

Mapping Mapping::readOnly(std::span<const std::byte> content) { return copy(content, PROT_READ); }
Mapping Mapping::executable(std::span<const std::byte> content) {
  return copy(content, PROT_READ | PROT_EXEC);
}

void Mapping::clear() {
  if (base && ::madvise(base, reserved, MADV_DONTNEED) != 0) std::memset(base, 0, size);
}

Mapping::~Mapping() {
  if (base) ::munmap(base, reserved);
}

Mapping::Mapping(Mapping &&o) noexcept
    : base(std::exchange(o.base, nullptr)), size(std::exchange(o.size, 0)),
      reserved(std::exchange(o.reserved, 0)) {}

Mapping &Mapping::operator=(Mapping &&o) noexcept {
  std::swap(base, o.base);
  std::swap(size, o.size);
  std::swap(reserved, o.reserved);
  return *this;
}

/// The number after `key` in a file of "key number" lines, or the first number of the file for an empty key.
static std::optional<uint64_t> numberIn(const std::string &path, const std::string &key) {
  std::ifstream in(path);
  std::string word;
  while (in >> word) {
    if (key.empty() || word == key) {
      uint64_t value = 0;
      if (key.empty()) {
        char *end = nullptr;
        value = std::strtoull(word.c_str(), &end, 10);
        return end && *end == 0 ? std::optional(value) : std::nullopt; // "max" is no limit
      }
      return in >> value ? std::optional(value) : std::nullopt;
    }
  }
  return std::nullopt;
}

/// What a control group's limit leaves; page cache that can be dropped does not count as used.
static std::optional<uint64_t> controlGroupLeft(const std::string &limit, const std::string &used,
                                                const std::string &statistics,
                                                const std::string &reclaimable) {
  auto most = numberIn(limit, ""), now = numberIn(used, "");
  if (!most || !now) return std::nullopt;
  uint64_t held = *now - std::min(*now, numberIn(statistics, reclaimable).value_or(0));
  return *most - std::min(*most, held);
}

uint64_t availableMemory() {
  uint64_t left = UINT64_MAX;
  if (auto kib = numberIn("/proc/meminfo", "MemAvailable:")) left = *kib * 1024;
  const std::string v2 = "/sys/fs/cgroup/", v1 = v2 + "memory/";
  auto group =
      controlGroupLeft(v2 + "memory.max", v2 + "memory.current", v2 + "memory.stat", "inactive_file");
  if (!group)
    group = controlGroupLeft(v1 + "memory.limit_in_bytes", v1 + "memory.usage_in_bytes", v1 + "memory.stat",
                             "total_inactive_file");
  return std::min(left, group.value_or(UINT64_MAX));
}

} // namespace drawloom
