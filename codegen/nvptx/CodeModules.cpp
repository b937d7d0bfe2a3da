#include "codegen/nvptx/CodeModules.h"

namespace drawloom {

static constexpr size_t kAloneBytes = 48 << 10, kModuleBytes = 96 << 10;

bool standsAlone(size_t ptxBytes) { return ptxBytes >= kAloneBytes; }

std::vector<std::vector<size_t>> groupKernels(std::span<const size_t> ptxBytes) {
  std::vector<std::vector<size_t>> modules;
  size_t open = 0, bytes = kModuleBytes; // the module that takes small kernels, and what it has: it is full
  for (size_t kernel = 0; kernel < ptxBytes.size(); ++kernel) {
    if (standsAlone(ptxBytes[kernel])) {
      modules.push_back({kernel});
      continue;
    }
    if (bytes >= kModuleBytes) {
      open = modules.size(), bytes = 0;
      modules.emplace_back();
    }
    modules[open].push_back(kernel);
    bytes += ptxBytes[kernel];
  }
  return modules;
}

} // namespace drawloom
