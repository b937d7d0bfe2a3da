// An artifact rewritten so that every buffer has memory of its own between zones that nothing may write.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace drawloom::test {

/// Zones are persistent buffers named kZonePrefix + number, of kZoneBytes bytes; function-local activations become
/// persistent buffers "local.F.K", so that they share no memory and can be poisoned and looked at like the others.
struct Guarded {
  std::vector<std::byte> artifact;
  std::vector<std::string> zones, locals;
};

inline constexpr const char *kZonePrefix = "zone.";
inline constexpr size_t kZoneBytes = 4096;

Guarded guarded(const std::vector<std::byte> &artifact);

} // namespace drawloom::test
