#include "runtime/data/Text.h"
#include "runtime/support/Error.h"
#include "runtime/support/Hash.h"
#include <algorithm>
#include <array>

namespace drawloom {

static MappedFile openText(const std::string &path) {
  if (path.empty())
    failWithHint(kMissingInput, "give a text file: data.path in the spec, or --data FILE",
                 "the model has no data file");
  try {
    return MappedFile(path);
  } catch (const Error &e) {
    if (e.exitCode != kMissingInput) throw;
    failWithHint(kMissingInput,
                 "a relative data.path starts at the current folder; --data FILE names another file",
                 "data file '{}' does not exist", path);
  }
}

Text::Text(std::string path) : name(std::move(path)), file(openText(name)) {
  require(!file.bytes().empty(), kBadInput, "data file '{}' is empty", name);
  file.adviseRandom(true);
}

uint64_t Text::fingerprint() const {
  auto all = file.bytes();
  size_t part = std::min<size_t>(all.size(), size_t(1) << 20);
  std::array<uint64_t, 3> summary{all.size(), hash64(all.first(part)), hash64(all.last(part))};
  return hash64(std::as_bytes(std::span(summary)));
}

} // namespace drawloom
