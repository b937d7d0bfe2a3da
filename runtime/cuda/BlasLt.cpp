#include "runtime/cuda/BlasLt.h"
#include "runtime/cuda/LibrarySearch.h"
#include "runtime/support/Error.h"
#include "runtime/support/Phases.h"
#include <dlfcn.h>

namespace drawloom::cuda {

std::vector<std::string> blasLtCandidates() {
  return libraryCandidates("DRAWLOOM_CUBLASLT", {"libcublasLt.so.13", "libcublasLt.so.12"});
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
