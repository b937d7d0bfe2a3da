// Named ranges for NVIDIA's tools, by version 3 of the NVTX protocol (github.com/NVIDIA/NVTX, nvtxTypes.h).
// Its headers are not needed: a tool leaves its library's name in the environment, and gets a table of
// functions to fill in.
#pragma once
#include <string>

namespace drawloom {

/// Whether a tool listens: NVTX_INJECTION64_PATH names a library that takes part, as Nsight Systems has it.
bool nvtxListens();

/// A range of this thread for as long as it lives, within those that are open; nothing if no tool listens.
class NvtxRange {
public:
  explicit NvtxRange(const std::string &name);
  ~NvtxRange() { end(); }
  NvtxRange(const NvtxRange &) = delete;
  NvtxRange &operator=(const NvtxRange &) = delete;
  /// Ends it now.
  void end();

private:
  bool isOpen;
};

} // namespace drawloom
