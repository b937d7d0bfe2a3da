// A tool: takes ranges from NVTX and writes them down.
#include <cstdint>
#include <string>

namespace {

using Function = void (*)();
struct Callbacks {
  size_t size;
  int (*table)(int module, Function ***table, unsigned *size);
};

std::string heard;

int push(const char *name) {
  heard += std::string("<") + name + ">";
  return 0;
}
int pop() {
  heard += "</>";
  return 0;
}
void ignore() {}

} // namespace

extern "C" int InitializeInjectionNvtx2(const void *(*getExportTable)(uint32_t)) {
  auto *callbacks = static_cast<const Callbacks *>(getExportTable(1));
  if (!callbacks || callbacks->size < sizeof(Callbacks) || getExportTable(99)) return 0;
  // As tools do, every function of every module is set.
  for (int module = 1; module < 7; ++module) {
    Function **table = nullptr;
    unsigned size = 0;
    if (!callbacks->table(module, &table, &size)) return 0;
    for (unsigned k = 1; k < size; ++k) *table[k] = ignore;
    if (module != 1) continue;
    if (size != 16) return 0;
    *table[9] = reinterpret_cast<Function>(push), *table[11] = reinterpret_cast<Function>(pop);
  }
  return callbacks->table(7, nullptr, nullptr) == 0;
}

extern "C" const char *nvtxListenerHeard() { return heard.c_str(); }
