// A text file as bytes, memory-mapped: files larger than memory are fine.
#pragma once
#include "runtime/support/File.h"
#include <cstdint>
#include <span>
#include <string>

namespace drawloom {

class Text {
public:
  /// Maps `path`. Throws Error: 66 when no path is given or no such file exists, 65 when it is empty.
  explicit Text(std::string path);

  std::span<const uint8_t> bytes() const {
    auto b = file.bytes();
    return {reinterpret_cast<const uint8_t *>(b.data()), b.size()};
  }
  const std::string &path() const { return name; }
  /// A hash of the size, the first and the last MiB: tells whether a resumed run reads the same text.
  uint64_t fingerprint() const;

private:
  std::string name;
  MappedFile file;
};

} // namespace drawloom
