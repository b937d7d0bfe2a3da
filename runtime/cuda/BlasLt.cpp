#include "runtime/cuda/BlasLt.h"
#include "runtime/support/Error.h"
#include "runtime/support/Phases.h"
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <glob.h>
#include <sstream>

namespace drawloom::cuda {
namespace fs = std::filesystem;

static const char *const kNames[] = {"libcublasLt.so.13", "libcublasLt.so.12"};

static std::string variable(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

/// Files that match a shell pattern, the last (newest) first.
static void addMatches(std::vector<std::string> &out, const std::string &pattern) {
  glob_t g{};
  if (::glob(pattern.c_str(), 0, nullptr, &g) == 0)
    for (size_t i = g.gl_pathc; i-- > 0;) out.push_back(g.gl_pathv[i]);
  ::globfree(&g);
}

/// Folders that hold lib/python3.*/site-packages: environments, and where `python3` on PATH lies.
static std::vector<std::string> pythonPrefixes() {
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

std::vector<std::string> blasLtCandidates() {
  if (auto given = variable("DRAWLOOM_CUBLASLT"); !given.empty()) return {given};
  std::vector<std::string> out(std::begin(kNames), std::end(kNames));
  for (const char *name : kNames)
    for (const char *folder : {"/usr/local/cuda/lib64/", "/usr/local/cuda*/lib64/", "/usr/local/cuda*/lib/",
                               "/usr/local/cuda*/targets/x86_64-linux/lib/", "/opt/cuda/lib64/"})
      addMatches(out, std::string(folder) + name);
  for (const std::string &prefix : pythonPrefixes())
    for (const char *name : kNames) addMatches(out, prefix + "/lib/python3*/*-packages/nvidia/*/lib/" + name);
  return out;
}

namespace {
struct Loaded {
  BlasLt library;
  std::string problem;

  Loaded() {
    PhaseTimer phase("cublaslt");
    auto candidates = blasLtCandidates();
    for (const std::string &path : candidates)
      if (load(path)) return;
    if (problem.empty())
      problem = candidates.size() == 1 ? fmt::format("'{}' cannot be loaded", candidates[0])
                                       : "libcublasLt.so.13 (or .12) was not found";
  }

  bool load(const std::string &path) {
    void *handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle) return false;
    BlasLt found;
    found.path = path;
#define X(member, symbol, result, parameters)                                                                \
  found.member = reinterpret_cast<decltype(found.member)>(::dlsym(handle, symbol));                          \
  if (!found.member) return problem = path + " has no " symbol, false;
    DRAWLOOM_BLAS_LT(X)
#undef X
    problem.clear();
    library = found;
    return true;
  }
};

const Loaded &loaded() {
  static const Loaded once;
  return once;
}
} // namespace

const BlasLt *findMachineBlasLt(std::string &reason) {
  reason = loaded().problem;
  return reason.empty() ? &loaded().library : nullptr;
}

const BlasLt &machineBlasLt() {
  if (!loaded().problem.empty())
    failWithHint(kFailed,
                 "install CUDA's cuBLAS (the package nvidia-cublas for Python will do) or name the file in "
                 "DRAWLOOM_CUBLASLT",
                 "matrix products on the card need cuBLASLt: {}", loaded().problem);
  return loaded().library;
}

} // namespace drawloom::cuda
