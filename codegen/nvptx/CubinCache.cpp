#include "codegen/nvptx/CubinCache.h"
#include "runtime/support/Error.h"
#include "runtime/support/File.h"
#include "runtime/support/Hash.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA256.h"
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace drawloom {

namespace {

/// An entry is this header, the cubin, then the output.
struct Header {
  char magic[8];
  uint64_t cubinBytes, outputBytes;
  uint64_t hash; // hash64 of everything behind the header
};
constexpr char kMagic[8] = {'L', 'O', 'O', 'M', 'S', 'A', 'S', '1'};

std::string defaultFolder() {
  if (const char *cache = std::getenv("XDG_CACHE_HOME"); cache && *cache)
    return std::string(cache) + "/drawloom/cubins";
  if (const char *home = std::getenv("HOME"); home && *home)
    return std::string(home) + "/.cache/drawloom/cubins";
  return {};
}

} // namespace

CubinCache::CubinCache() : folder(defaultFolder()) {}

std::string CubinCache::keyOf(std::string_view ptx, std::string_view how) {
  llvm::SHA256 hash;
  hash.update(llvm::StringRef(how));
  hash.update(llvm::StringRef("\0", 1));
  hash.update(llvm::StringRef(ptx));
  return llvm::toHex(hash.final(), /*LowerCase=*/true);
}

std::optional<CubinCache::Entry> CubinCache::find(const std::string &key) const {
  std::string path = folder + "/" + key;
  std::error_code ignored;
  if (folder.empty() || !std::filesystem::is_regular_file(path, ignored)) return std::nullopt;
  std::vector<std::byte> bytes;
  try {
    bytes = readFile(path);
  } catch (const Error &) { // gone, or not ours to read
    return std::nullopt;
  }
  Header header;
  if (bytes.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof header);
  std::span<const std::byte> content = std::span<const std::byte>(bytes).subspan(sizeof header);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0 || header.cubinBytes > content.size() ||
      header.outputBytes != content.size() - header.cubinBytes || hash64(content) != header.hash)
    return std::nullopt;
  Entry entry;
  entry.cubin.assign(content.begin(), content.begin() + header.cubinBytes);
  entry.output.assign(reinterpret_cast<const char *>(content.data()) + header.cubinBytes, header.outputBytes);
  return entry;
}

void CubinCache::store(const std::string &key, const Entry &entry) const {
  if (folder.empty()) return;
  std::vector<std::byte> content(entry.cubin);
  auto text = std::as_bytes(std::span(entry.output));
  content.insert(content.end(), text.begin(), text.end());
  Header header{{}, entry.cubin.size(), entry.output.size(), hash64(content)};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  try {
    AtomicFile file(folder + "/" + key);
    file.write(std::as_bytes(std::span(&header, 1)));
    file.write(content);
    file.commit();
  } catch (const Error &) { // the work is done; another time it is done again
  }
}

} // namespace drawloom
