#include "runtime/sample/HeldOut.h"
#include "runtime/support/Error.h"

namespace drawloom {

std::vector<std::string> heldOutImages(const ModelData &data, const std::string &part, uint64_t count) {
  Range range = partOf(data.split, part);
  uint64_t bytes = data.set->format().itemBytes, images = range.size() / bytes;
  if (images == 0)
    failWithHint(kBadInput, "change data.split, or name another part with --split",
                 "the {} part of '{}' has no images to complete", part, data.set->path());
  std::vector<std::string> chosen;
  std::vector<uint8_t> one(bytes);
  for (uint64_t k = 0; k < count; ++k) {
    data.set->read(range.begin + k * images / count * bytes, one);
    chosen.emplace_back(one.begin(), one.end());
  }
  return chosen;
}

} // namespace drawloom
