// Which algorithm of cuBLASLt was fastest for a product, kept from run to run in a file. A choice is a
// function of the card, the library and the product, so a program that finds it there computes the same bits
// as the run that measured it.
#pragma once
#include "runtime/cuda/BlasLt.h"
#include <map>
#include <optional>
#include <string>

namespace drawloom::cuda {

class TuningCache {
public:
  /// `path`: the file, read now; empty: nothing is kept. A file that cannot be read or understood counts as
  /// empty.
  explicit TuningCache(std::string path);

  std::optional<MatmulAlgorithm> find(const std::string &key) const;
  void add(const std::string &key, const MatmulAlgorithm &algorithm);
  /// Writes what was added, beside what other processes have written since; a file that cannot be written is
  /// no error, since the next run only measures again.
  void save();

  /// $XDG_CACHE_HOME/drawloom/products.json or the same under ~/.cache; empty without both variables.
  static std::string defaultPath();

private:
  using Entries = std::map<std::string, MatmulAlgorithm>;
  static Entries read(const std::string &path);
  std::string path;
  Entries known, added;
};

} // namespace drawloom::cuda
