// Assembled kernels on disk, by the hash of what they were made from.
//
// One file an entry, written under another name and renamed, so that any number of processes may share the
// folder; an entry that is not whole counts as none. A cache that cannot be read or written is no error.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drawloom {

class CubinCache {
public:
  struct Entry {
    std::vector<std::byte> cubin;
    std::string output; ///< what ptxas printed
  };

  /// In $XDG_CACHE_HOME/drawloom/cubins, else $HOME/.cache/drawloom/cubins, else nowhere.
  CubinCache();
  explicit CubinCache(std::string folder) : folder(std::move(folder)) {}

  /// A hash (SHA-256, hexadecimal) of the PTX and of what else the result depends on.
  static std::string keyOf(std::string_view ptx, std::string_view how);

  std::optional<Entry> find(const std::string &key) const;
  void store(const std::string &key, const Entry &entry) const;

private:
  std::string folder; // empty: nowhere
};

} // namespace drawloom
