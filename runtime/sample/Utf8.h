// Bytes to a terminal without half characters.
#pragma once
#include <cstdint>
#include <string>

namespace drawloom {

/// Collects bytes and gives back what can be shown: whole UTF-8 characters at once, and every byte that
/// cannot be part of one as U+FFFD. An unfinished character waits for its other bytes.
class Utf8Stream {
public:
  /// What becomes visible with this byte; may be empty.
  std::string add(uint8_t byte);
  /// What is left at the end: U+FFFD for an unfinished character.
  std::string finish();

private:
  bool continues(uint8_t byte) const;
  std::string pending;
  int missing = 0; // continuation bytes that the pending character still needs
};

/// A whole text with what is not UTF-8 replaced by U+FFFD.
std::string displayText(const std::string &bytes);

} // namespace drawloom
