#include "runtime/data/Files.h"
#include "runtime/support/Error.h"
#include <algorithm>
#include <filesystem>
#include <fmt/ranges.h>

namespace drawloom {
namespace fs = std::filesystem;

void requireExists(const std::string &path) {
  if (path.empty())
    failWithHint(kMissingInput, "give a file or folder: data.path in the spec, or --data PATH",
                 "the model has no data file");
  std::error_code code;
  if (fs::exists(path, code)) return;
  if (code && code != std::errc::no_such_file_or_directory)
    failErrno(code.value(), fmt::format("cannot open '{}'", path), true);
  failWithHint(kMissingInput,
               "a relative data.path starts at the current folder; --data PATH names another file",
               "data file '{}' does not exist", path);
}

static bool hasEnding(const fs::path &file, std::span<const std::string_view> endings) {
  std::string name = file.filename();
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return char(std::tolower(c)); });
  return !name.starts_with('.') &&
         std::any_of(endings.begin(), endings.end(), [&](auto e) { return name.ends_with(e); });
}

std::vector<std::string> filesNamed(const std::string &path, std::span<const std::string_view> endings) {
  std::vector<std::string> found;
  try {
    if (!fs::is_directory(path)) {
      if (hasEnding(path, endings)) found.push_back(path);
      return found;
    }
    for (auto &entry :
         fs::recursive_directory_iterator(path, fs::directory_options::follow_directory_symlink))
      if (hasEnding(entry.path(), endings) && entry.is_regular_file()) found.push_back(entry.path());
  } catch (const fs::filesystem_error &e) {
    failErrno(e.code().value(), fmt::format("cannot read folder '{}'", path), true);
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string listFolder(const std::string &path) {
  constexpr size_t shown = 4;
  std::vector<std::string> names;
  std::error_code ignored; // a message about the folder is being made already
  for (fs::directory_iterator it(path, ignored), end; !ignored && it != end; it.increment(ignored))
    names.push_back(it->path().filename());
  std::sort(names.begin(), names.end());
  size_t rest = names.size() > shown ? names.size() - shown : 0;
  names.resize(names.size() - rest);
  if (names.empty()) return "nothing";
  return fmt::format("{}{}", fmt::join(names, ", "), rest ? fmt::format(" and {} more", rest) : "");
}

} // namespace drawloom
