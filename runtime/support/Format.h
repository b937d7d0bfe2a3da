// Numbers as people read them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace drawloom {

/// "512 B", "1.5 KiB", "12.3 GiB".
std::string formatBytes(uint64_t bytes);
/// Bytes that "8GiB", "1.5 MiB", "500MB", "2 GB", "4096" or "16KiB" spell; nothing for any other text.
/// Rounded down.
std::optional<uint64_t> parseBytes(std::string_view text);
/// "850 ns", "1.25 ms", "12.3 s", "4m 05s", "2h 03m", "3d 04h".
std::string formatDuration(double seconds);
/// "950", "12.3 k", "4.56 M", "95.0 G" (powers of 1000).
std::string formatCount(double count);

} // namespace drawloom
