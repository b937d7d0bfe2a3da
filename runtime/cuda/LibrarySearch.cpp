#include "runtime/cuda/LibrarySearch.h"
#include <cstdlib>
#include <filesystem>
#include <glob.h>
#include <sstream>

namespace drawloom::cuda {
namespace {
namespace fs = std::filesystem;

std::string variable(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

/// Files that match a shell pattern, the last (newest) first.
void addMatches(std::vector<std::string> &out, const std::string &pattern) {
  glob_t g{};
  if (::glob(pattern.c_str(), 0, nullptr, &g) == 0)
    for (size_t i = g.gl_pathc; i-- > 0;) out.push_back(g.gl_pathv[i]);
  ::globfree(&g);
}

/// Folders that hold lib/python3.*/site-packages: environments, and where `python3` on PATH lies.
std::vector<std::string> pythonPrefixes() {
  std::vector<std::string> prefixes;
  for (const char *name : {"VIRTUAL_ENV", "CONDA_PREFIX"})
    if (auto value = variable(name); !value.empty()) prefixes.push_back(value);
  std::istringstream path(variable("PATH"));
  for (std::string folder; std::getline(path, folder, ':');) {
    std::error_code ignored;
    fs::path python = fs::path(folder) / "python3";
    if (!fs::exists(python, ignored)) continue;
    prefixes.push_back(fs::path(folder).parent_path());
    // A link in a common folder may lead into an environment.
    if (auto real = fs::read_symlink(python, ignored); !ignored && real.is_absolute())
      prefixes.push_back(real.parent_path().parent_path());
  }
  if (auto home = variable("HOME"); !home.empty()) prefixes.push_back(home + "/.local");
  return prefixes;
}

} // namespace

std::vector<std::string> libraryCandidates(const char *given, const std::vector<std::string> &names) {
  if (std::string path = variable(given); !path.empty()) return {path};
  std::vector<std::string> out(names);
  for (const std::string &name : names)
    for (const char *folder : {"/usr/local/cuda/lib64/", "/usr/local/cuda*/lib64/", "/usr/local/cuda*/lib/",
                               "/usr/local/cuda*/targets/x86_64-linux/lib/",
                               "/usr/local/cuda*/extras/CUPTI/lib64/", "/opt/cuda/lib64/"})
      addMatches(out, folder + name);
  for (const std::string &prefix : pythonPrefixes())
    for (const std::string &name : names)
      addMatches(out, prefix + "/lib/python3*/*-packages/nvidia/*/lib/" + name);
  return out;
}

} // namespace drawloom::cuda
