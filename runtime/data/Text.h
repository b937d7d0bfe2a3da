// A text file as bytes, memory-mapped: files larger than memory are fine.
#pragma once
#include "runtime/data/DataSet.h"
#include "runtime/support/File.h"

namespace drawloom {

class Text final : public FlatData {
public:
  /// Maps `path`. Throws Error: 66 when no path is given or no such file exists, 65 when it is empty.
  explicit Text(std::string path);

private:
  MappedFile file;
};

} // namespace drawloom
