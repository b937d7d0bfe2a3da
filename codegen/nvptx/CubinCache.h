// Assembled kernels on disk (runtime/support/DiskCache.h), by the hash of what they were made from.
#pragma once
#include "runtime/support/DiskCache.h"

namespace drawloom {

class CubinCache {
public:
  struct Entry {
    std::vector<std::byte> cubin;
    std::string output; ///< what ptxas printed
  };

  CubinCache() : CubinCache(DiskCache::folderOf("cubins")) {}
  /// An empty folder keeps nothing.
  explicit CubinCache(std::string folder) : files(std::move(folder)) {}

  /// A hash of the PTX and of what else the result depends on.
  static std::string keyOf(std::string_view ptx, std::string_view how);

  std::optional<Entry> find(const std::string &key) const;
  void store(const std::string &key, const Entry &entry) const;

private:
  DiskCache files;
};

} // namespace drawloom
