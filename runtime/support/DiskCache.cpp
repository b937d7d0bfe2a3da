#include "runtime/support/DiskCache.h"
#include "runtime/support/Error.h"
#include "runtime/support/File.h"
#include "runtime/support/Format.h"
#include "runtime/support/Hash.h"
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace drawloom {
namespace fs = std::filesystem;

namespace {

/// An entry is this header, then the content.
struct Header {
  char magic[8];
  uint64_t bytes;
  Hash128 hash; // of the key and the content: an entry under another's name is none
};
constexpr char kMagic[8] = {'L', 'O', 'O', 'M', 'E', 'N', 'T', '1'};

Hash128 hashOf(const std::string &key, std::span<const std::byte> content) {
  Hasher128 hasher;
  hasher.add(key);
  hasher.add(content);
  return hasher.result();
}

/// What a process that was killed while it wrote has left is removed after this time.
constexpr auto kStale = std::chrono::hours(1);

bool isTemporary(const fs::path &path) { return path.filename().string().find(".tmp.") != std::string::npos; }

struct Found {
  fs::path path;
  uint64_t bytes;
  fs::file_time_type used;
};

/// Files of a folder; those that vanish meanwhile are left out.
std::vector<Found> filesOf(const std::string &folder) {
  std::vector<Found> files;
  std::error_code code;
  for (fs::directory_iterator it(folder, code), end; !code && it != end; it.increment(code)) {
    std::error_code gone;
    uint64_t bytes = it->file_size(gone);
    auto used = gone ? fs::file_time_type() : it->last_write_time(gone);
    if (!gone) files.push_back({it->path(), bytes, used});
  }
  return files;
}

} // namespace

DiskCache::DiskCache(std::string folder, uint64_t limit) : folder(std::move(folder)), limit(limit) {}

std::string DiskCache::folderOf(std::string_view name) {
  if (const char *cache = std::getenv("DRAWLOOM_CACHE"); cache && *cache)
    return fmt::format("{}/{}", cache, name);
  if (const char *cache = std::getenv("XDG_CACHE_HOME"); cache && *cache)
    return fmt::format("{}/drawloom/{}", cache, name);
  if (const char *home = std::getenv("HOME"); home && *home)
    return fmt::format("{}/.cache/drawloom/{}", home, name);
  return {};
}

uint64_t DiskCache::defaultLimit() {
  const char *text = std::getenv("DRAWLOOM_CACHE_LIMIT");
  if (!text || !*text) return kDefaultLimit;
  std::optional<uint64_t> bytes = parseBytes(text);
  if (!bytes)
    failWithHint(kUsage, "write a size like 500MiB or 8GiB", "DRAWLOOM_CACHE_LIMIT is '{}', which is no size",
                 text);
  return *bytes;
}

std::string DiskCache::keyOf(std::initializer_list<std::string_view> parts) {
  Hasher128 hasher;
  for (std::string_view part : parts) {
    uint64_t length = part.size();
    hasher.add(std::as_bytes(std::span(&length, 1)));
    hasher.add(part);
  }
  return hasher.result().text();
}

std::optional<std::vector<std::byte>> DiskCache::find(const std::string &key) const {
  std::string path = folder + "/" + key;
  std::error_code ignored;
  if (folder.empty() || !fs::is_regular_file(path, ignored)) return std::nullopt;
  std::vector<std::byte> file;
  try {
    file = readFile(path);
  } catch (const Error &) { // gone, or not ours to read
    return std::nullopt;
  }
  Header header;
  if (file.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, file.data(), sizeof header);
  std::span<const std::byte> content = std::span<const std::byte>(file).subspan(sizeof header);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0 || header.bytes != content.size() ||
      hashOf(key, content) != header.hash)
    return std::nullopt;
  // The time of the last change is the time of the last use: times of access are not kept everywhere.
  fs::last_write_time(path, fs::file_time_type::clock::now(), ignored);
  file.erase(file.begin(), file.begin() + sizeof header);
  return file;
}

void DiskCache::store(const std::string &key, std::span<const std::byte> content) const {
  if (folder.empty() || sizeof(Header) + content.size() > limit) return;
  Header header{{}, content.size(), hashOf(key, content)};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  std::error_code ignored;
  fs::create_directories(folder, ignored);
  try {
    AtomicFile file(folder + "/" + key);
    file.write(std::as_bytes(std::span(&header, 1)));
    file.write(content);
    file.commit();
  } catch (const Error &) { // the work is done; another time it is done again
    return;
  }
  removeOldest();
}

void DiskCache::removeOldest() const {
  std::vector<Found> files = filesOf(folder);
  auto now = fs::file_time_type::clock::now();
  std::erase_if(files, [&](const Found &f) {
    if (!isTemporary(f.path)) return false;
    std::error_code ignored;
    if (now - f.used > kStale) fs::remove(f.path, ignored);
    return true;
  });
  uint64_t bytes = 0;
  for (const Found &f : files) bytes += f.bytes;
  std::sort(files.begin(), files.end(), [](const Found &a, const Found &b) { return a.used < b.used; });
  for (const Found &f : files) {
    if (bytes <= limit) return;
    std::error_code ignored; // another process may have removed it: its bytes are gone all the same
    fs::remove(f.path, ignored);
    bytes -= f.bytes;
  }
}

DiskCache::Usage DiskCache::usage() const {
  Usage usage;
  for (const Found &f : filesOf(folder))
    if (!isTemporary(f.path)) ++usage.entries, usage.bytes += f.bytes;
  return usage;
}

} // namespace drawloom
