// What the system says about this process's memory.
#pragma once
#include <cstdint>

namespace drawloom {

/// Bytes of this process's own that are in main memory now, without pages of files such as code; 0 when that
/// cannot be read.
uint64_t residentMemory();

} // namespace drawloom
