// Numbers as people read them.
#pragma once
#include <cstdint>
#include <string>

namespace drawloom {

/// "512 B", "1.5 KiB", "12.3 GiB".
std::string formatBytes(uint64_t bytes);
/// "850 ns", "1.25 ms", "12.3 s", "4m 05s", "2h 03m", "3d 04h".
std::string formatDuration(double seconds);
/// "950", "12.3 k", "4.56 M", "95.0 G" (powers of 1000).
std::string formatCount(double count);

} // namespace drawloom
