// Results on disk that can be made again: one file an entry, found by a hash of what it was made from.
//
// Any number of processes may share a folder: an entry is written under another name and renamed, and one
// that is not whole, or not the one its name says, counts as none. A cache that cannot be read or written is
// no error.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace drawloom {

class DiskCache {
public:
  /// What the folder may hold unless the environment's DRAWLOOM_CACHE_LIMIT ("500MiB", "8GiB") says
  /// otherwise.
  static constexpr uint64_t kDefaultLimit = uint64_t(1) << 30;

  /// An empty folder keeps nothing. `limit`: bytes of all entries; those that were not used for longest go
  /// first.
  explicit DiskCache(std::string folder, uint64_t limit = defaultLimit());

  /// $DRAWLOOM_CACHE/NAME, else $XDG_CACHE_HOME/drawloom/NAME, else $HOME/.cache/drawloom/NAME, else empty.
  static std::string folderOf(std::string_view name);
  /// DRAWLOOM_CACHE_LIMIT, else kDefaultLimit. Throws Error(kUsage) if that is no size.
  static uint64_t defaultLimit();

  /// A hash (XXH3, 128 bits, hexadecimal) of the parts, each with its length.
  static std::string keyOf(std::initializer_list<std::string_view> parts);

  /// The content that was stored under `key`, checked against its hash. Marks it as used now.
  std::optional<std::vector<std::byte>> find(const std::string &key) const;
  /// Stores `content`, in place of what was there, and removes old entries if there is too much.
  void store(const std::string &key, std::span<const std::byte> content) const;

  struct Usage {
    uint64_t entries = 0, bytes = 0;
  };
  Usage usage() const;
  const std::string &path() const { return folder; }
  uint64_t limitBytes() const { return limit; }

private:
  void removeOldest() const;

  std::string folder;
  uint64_t limit;
};

} // namespace drawloom
