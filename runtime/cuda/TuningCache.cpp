#include "runtime/cuda/TuningCache.h"
#include "runtime/support/Error.h"
#include "runtime/support/File.h"
#include <cstdlib>
#include <filesystem>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace drawloom::cuda {

std::string TuningCache::defaultPath() {
  const char *cache = std::getenv("XDG_CACHE_HOME"), *home = std::getenv("HOME");
  if (cache && *cache) return std::string(cache) + "/drawloom/products.json";
  return home && *home ? std::string(home) + "/.cache/drawloom/products.json" : "";
}

static constexpr size_t kWords = sizeof(MatmulAlgorithm) / sizeof(uint64_t);

TuningCache::Entries TuningCache::read(const std::string &path) {
  Entries entries;
  if (path.empty() || !std::filesystem::exists(path)) return entries;
  try {
    auto json = nlohmann::json::parse(readTextFile(path));
    for (auto &[key, words] : json.at("products").items()) {
      MatmulAlgorithm algorithm{};
      if (words.size() != kWords) continue;
      for (size_t i = 0; i < kWords; ++i) algorithm.data[i] = words.at(i).get<uint64_t>();
      entries[key] = algorithm;
    }
  } catch (const Error &) { // unreadable
    entries.clear();
  } catch (const nlohmann::json::exception &) {
    entries.clear();
  }
  return entries;
}

TuningCache::TuningCache(std::string p) : path(std::move(p)), known(read(path)) {}

std::optional<MatmulAlgorithm> TuningCache::find(const std::string &key) const {
  auto found = known.find(key);
  return found == known.end() ? std::nullopt : std::optional(found->second);
}

void TuningCache::add(const std::string &key, const MatmulAlgorithm &algorithm) {
  known[key] = added[key] = algorithm;
}

void TuningCache::save() {
  if (path.empty() || added.empty()) return;
  Entries all = read(path);
  for (auto &[key, algorithm] : added) all[key] = algorithm;
  added.clear();
  auto products = nlohmann::json::object();
  for (auto &[key, algorithm] : all) products[key] = algorithm.data;
  try {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    writeFileAtomically(path, nlohmann::json{{"products", products}}.dump(1) + "\n");
  } catch (const Error &) {
  } catch (const std::filesystem::filesystem_error &) {
  }
}

} // namespace drawloom::cuda
