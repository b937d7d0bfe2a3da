#include "runtime/support/Hash.h"
#include <xxhash.h>

uint64_t drawloom::hash64(std::span<const std::byte> bytes) { return XXH64(bytes.data(), bytes.size(), 0); }
