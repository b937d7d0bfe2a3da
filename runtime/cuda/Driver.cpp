#include "runtime/cuda/Driver.h"
#include "runtime/support/Error.h"
#include "runtime/support/Phases.h"
#include <dlfcn.h>

namespace drawloom::cuda {

namespace {

struct Loaded {
  Driver driver;
  std::string problem; // empty: usable

  Loaded() {
    PhaseTimer phase("driver");
    void *library = ::dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
      problem = "there is no CUDA driver on this machine (libcuda.so.1 cannot be loaded)";
      return;
    }
#define X(member, symbol, parameters)                                                                        \
  driver.member = reinterpret_cast<decltype(driver.member)>(::dlsym(library, symbol));                       \
  if (!driver.member && problem.empty()) problem = "the CUDA driver is too old: it has no " symbol;
    DRAWLOOM_CUDA_DRIVER(X)
#undef X
    if (problem.empty()) initialize();
  }

  void initialize() {
    int count = 0;
    Result r = driver.init(0);
    if (r == kCudaSuccess) r = driver.deviceGetCount(&count);
    if (r == kCudaNoDevice || (r == kCudaSuccess && count == 0)) {
      problem = "the CUDA driver sees no card";
    } else if (r != kCudaSuccess) {
      const char *text = nullptr;
      driver.getErrorString(r, &text);
      problem = fmt::format("the CUDA driver cannot be used: {}", text ? text : "unknown error");
    }
  }
};

const Loaded &loaded() {
  static const Loaded once;
  return once;
}

} // namespace

const Driver *findMachineDriver(std::string &reason) {
  reason = loaded().problem;
  return reason.empty() ? &loaded().driver : nullptr;
}

const Driver &machineDriver() {
  if (!loaded().problem.empty())
    failWithHint(
        kFailed,
        "`nvidia-smi` shows whether the driver works and CUDA_VISIBLE_DEVICES may hide cards; on the "
        "processor, run with --device cpu",
        "{}", loaded().problem);
  return loaded().driver;
}

void check(const Driver &driver, Result result, const std::string &what) {
  if (result == kCudaSuccess) return;
  const char *name = nullptr, *text = nullptr;
  driver.getErrorName(result, &name);
  driver.getErrorString(result, &text);
  fail(result == kCudaOutOfMemory ? kOutOfMemory : kFailed, "{}: {} ({})", what,
       text ? text : "unknown error", name ? name : std::to_string(result).c_str());
}

} // namespace drawloom::cuda
