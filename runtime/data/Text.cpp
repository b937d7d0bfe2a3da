#include "runtime/data/Text.h"
#include "runtime/data/Files.h"
#include "runtime/support/Error.h"

namespace drawloom {

static const std::string &existing(const std::string &path) {
  requireExists(path);
  return path;
}

Text::Text(std::string path) : FlatData(path, {}, {}), file(existing(path)) {
  require(!file.bytes().empty(), kBadInput, "data file '{}' is empty", path);
  file.adviseRandom(true);
  flat = {reinterpret_cast<const uint8_t *>(file.bytes().data()), file.bytes().size()};
}

} // namespace drawloom
