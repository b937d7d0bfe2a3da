// PTX to the machine code of one GPU, by NVIDIA's ptxas where it is installed.
//
// A kernel is assembled with all that it calls: with `ptxas -c`, nvJitLink and cuLink, setmaxnreg is ignored
// and matrix products are serialized. Results are kept on disk (CubinCache.h).
#pragma once
#include "codegen/nvptx/PtxasReport.h"
#include <cstddef>
#include <optional>
#include <vector>

namespace drawloom {

struct Cubin {
  std::vector<std::byte> bytes;
  PtxasReport report;
  bool fromCache = false;
};

/// The assembler of this machine: the environment's DRAWLOOM_PTXAS (empty: none), else `ptxas` on PATH, else
/// /usr/local/cuda/bin/ptxas. Nothing if there is none; artifacts then carry PTX alone.
std::optional<std::string> findPtxas();

/// What tells one assembler from another without asking it, which takes longer than many kernels: the file's
/// path, size and time. Results differ between versions.
std::string identityOf(const std::string &ptxas);

/// Assembles a PTX module for `gpu` ("sm_90a") with `ptxas`. Throws drawloom::Error (70) with what ptxas says
/// if it rejects the module, (1) if it cannot be run. `cache`: keep the result on disk, and read it from
/// there.
Cubin assemble(const std::string &ptxas, const std::string &ptx, const std::string &gpu, bool cache = true);

} // namespace drawloom
