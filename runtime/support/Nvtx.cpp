#include "runtime/support/Nvtx.h"
#include <cstdint>
#include <cstdlib>
#include <dlfcn.h>

namespace drawloom {
namespace {

using Function = void (*)();

// Export tables that a tool asks for.
constexpr uint32_t kCallbacks = 1, kVersionInfo = 3;
// Modules of functions, and of the core the functions that are called here.
constexpr int kCore = 1, kModules = 7;
constexpr int kRangePushA = 9, kRangePop = 11;
constexpr unsigned kMostFunctions = 16;
constexpr unsigned kFunctions[kModules] = {0, 16, 9, 15, 7, 16, 7}; ///< of each module, with one for number 0

/// What a tool fills in. It may set every function of a module, so each has a place.
Function functions[kModules][kMostFunctions];
Function *places[kModules][kMostFunctions];

int getModuleFunctionTable(int module, Function ***table, unsigned *size) {
  if (module < kCore || module >= kModules) return 0;
  for (unsigned k = 1; k < kFunctions[module]; ++k) places[module][k] = &functions[module][k];
  if (table) *table = places[module];
  if (size) *size = kFunctions[module];
  return 1;
}

struct CallbackTable {
  size_t size;
  int (*getModuleFunctionTable)(int, Function ***, unsigned *);
};
struct VersionTable {
  size_t size;
  uint32_t version, reserved;
  void (*setToolVersion)(uint32_t);
};

const void *getExportTable(uint32_t id) {
  static const CallbackTable callbacks{sizeof(CallbackTable), getModuleFunctionTable};
  static const VersionTable version{sizeof(VersionTable), 3, 0, [](uint32_t) {}};
  return id == kCallbacks ? static_cast<const void *>(&callbacks) : id == kVersionInfo ? &version : nullptr;
}

bool attach() {
  const char *path = std::getenv("NVTX_INJECTION64_PATH");
  void *library = path && *path ? ::dlopen(path, RTLD_LAZY) : nullptr;
  if (!library) return false;
  using Initialize = int (*)(const void *(*)(uint32_t));
  auto initialize = reinterpret_cast<Initialize>(::dlsym(library, "InitializeInjectionNvtx2"));
  return initialize && initialize(getExportTable) != 0 && functions[kCore][kRangePushA] &&
         functions[kCore][kRangePop];
}

} // namespace

bool nvtxListens() {
  static const bool listens = attach();
  return listens;
}

NvtxRange::NvtxRange(const std::string &name) : isOpen(nvtxListens()) {
  if (isOpen) reinterpret_cast<int (*)(const char *)>(functions[kCore][kRangePushA])(name.c_str());
}

void NvtxRange::end() {
  if (isOpen) reinterpret_cast<int (*)()>(functions[kCore][kRangePop])();
  isOpen = false;
}

} // namespace drawloom
