#include "codegen/nvptx/CubinCache.h"
#include <cstring>

namespace drawloom {

std::string CubinCache::keyOf(std::string_view ptx, std::string_view how) {
  return DiskCache::keyOf({how, ptx});
}

// An entry is the number of the cubin's bytes, the cubin, then the output.

std::optional<CubinCache::Entry> CubinCache::find(const std::string &key) const {
  std::optional<std::vector<std::byte>> content = files.find(key);
  uint64_t cubinBytes = 0;
  if (!content || content->size() < sizeof cubinBytes) return std::nullopt;
  std::memcpy(&cubinBytes, content->data(), sizeof cubinBytes);
  if (cubinBytes > content->size() - sizeof cubinBytes) return std::nullopt;
  auto cubin = std::span<const std::byte>(*content).subspan(sizeof cubinBytes, cubinBytes);
  auto output = std::span<const std::byte>(*content).subspan(sizeof cubinBytes + cubinBytes);
  return Entry{{cubin.begin(), cubin.end()}, {reinterpret_cast<const char *>(output.data()), output.size()}};
}

void CubinCache::store(const std::string &key, const Entry &entry) const {
  uint64_t cubinBytes = entry.cubin.size();
  auto number = std::as_bytes(std::span(&cubinBytes, 1)), output = std::as_bytes(std::span(entry.output));
  std::vector<std::byte> content(number.begin(), number.end());
  content.insert(content.end(), entry.cubin.begin(), entry.cubin.end());
  content.insert(content.end(), output.begin(), output.end());
  files.store(key, content);
}

} // namespace drawloom
