#include "runtime/support/Format.h"
#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <utility>

namespace drawloom {

/// Three significant digits: 1.23, 12.3, 123.
static std::string threeDigits(double v) {
  return fmt::format("{:.{}f}", v, v < 9.995 ? 2 : v < 99.95 ? 1 : 0);
}

std::string formatBytes(uint64_t bytes) {
  static constexpr std::array units = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double v = double(bytes) / 1024;
  size_t unit = 0;
  for (; v >= 1023.5 && unit + 1 < units.size(); ++unit) v /= 1024;
  return threeDigits(v) + " " + units[unit];
}

std::optional<uint64_t> parseBytes(std::string_view text) {
  static constexpr std::pair<std::string_view, double> units[] = {
      {"", 1},     {"B", 1},    {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40},
      {"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6},     {"GB", 1e9},     {"TB", 1e12}};
  double number = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc()) return std::nullopt;
  std::string_view unit = text.substr(size_t(end - text.data()));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  for (auto [name, factor] : units)
    if (unit == name && number >= 0 && number * factor < 0x1p63) return uint64_t(number * factor);
  return std::nullopt;
}

std::string formatDuration(double seconds) {
  if (!std::isfinite(seconds)) return "unknown";
  if (seconds < 0) return "-" + formatDuration(-seconds);
  if (seconds < 0.9995e-6) return fmt::format("{:.0f} ns", seconds * 1e9);
  if (seconds < 0.9995e-3) return threeDigits(seconds * 1e6) + " us";
  if (seconds < 0.9995) return threeDigits(seconds * 1e3) + " ms";
  if (seconds < 99.95) return threeDigits(seconds) + " s";
  auto s = uint64_t(std::llround(seconds));
  if (s < 3600) return fmt::format("{}m {:02}s", s / 60, s % 60);
  if (s < 86400) return fmt::format("{}h {:02}m", s / 3600, s / 60 % 60);
  return fmt::format("{}d {:02}h", s / 86400, s / 3600 % 24);
}

std::string formatCount(double count) {
  static constexpr std::array units = {"k", "M", "G", "T", "P", "E"};
  if (!std::isfinite(count)) return fmt::format("{}", count);
  if (count < 0) return "-" + formatCount(-count);
  if (count < 999.5) return count == std::floor(count) ? fmt::format("{:.0f}", count) : threeDigits(count);
  double v = count / 1000;
  size_t unit = 0;
  for (; v >= 999.5 && unit + 1 < units.size(); ++unit) v /= 1000;
  return threeDigits(v) + " " + units[unit];
}

} // namespace drawloom
