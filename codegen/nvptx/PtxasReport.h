// What ptxas says about the kernels that it assembled.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace drawloom {

/// What one kernel takes of a multiprocessor.
struct KernelResources {
  std::string kernel;
  unsigned registers = 0;      ///< of a thread, at launch
  unsigned barriers = 0;       ///< hardware barriers
  uint64_t stackBytes = 0;     ///< local memory of a thread
  uint64_t spillStores = 0;    ///< bytes that a thread stores because registers ran out, counted in the code
  uint64_t spillLoads = 0;     ///< bytes that it loads back
  uint64_t sharedBytes = 0;    ///< static shared memory

  bool operator==(const KernelResources &) const = default;
};

/// A complaint, such as C7510: matrix products are serialized.
struct PtxasWarning {
  std::string code; ///< "C7510"; empty where ptxas gives none
  std::string text;
};

struct PtxasReport {
  std::vector<KernelResources> kernels;
  std::vector<PtxasWarning> warnings;

  const KernelResources *find(std::string_view kernel) const;
};

/// Reads what `ptxas -v` prints. Advisory notes about what we ask for on purpose are left out.
PtxasReport parsePtxasOutput(std::string_view output);

} // namespace drawloom
