// The machines that kernels are compiled for.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace drawloom {

/// A level of x86-64, or a generation of NVIDIA GPUs. Kernels of every level of x86-64 compute the same bits:
/// their vectors have the same number of lanes, and a target says only how many registers such a vector
/// takes.
struct Target {
  std::string name;                  ///< "x86-64-v3", "x86-64-v4", "sm_90a" or "sm_80"
  std::string triple;                ///< "x86_64-unknown-linux-gnu" or "nvptx64-nvidia-cuda"
  std::string cpu;                   ///< LLVM's name of what is selected and scheduled for
  std::vector<std::string> features; ///< what the code needs of a processor, in LLVM's names: "avx2", "fma",
                                     ///< "avx512f", ...; empty for a GPU, which must be what `name` says
  int vectorBits;                    ///< width of a vector register (of an access to memory on a GPU)
  int lanes = 16;                    ///< f32 lanes of a row kernel's vectors
  std::string ptx = {};              ///< the version of PTX as LLVM's feature, "+ptx87"; empty on a CPU
  uint32_t sharedBytes = 0;          ///< dynamic shared memory that a block may have; 0 on a CPU

  bool isGpu() const { return !ptx.empty(); }
  /// What passes call it: "cpu" or the name of the GPU.
  std::string scheduledFor() const { return isGpu() ? name : "cpu"; }
  /// What a plan calls it: "x86_64" or the name of the GPU.
  std::string inPlan() const { return isGpu() ? name : "x86_64"; }

  /// The best level of x86-64 that this machine has. Throws drawloom::Error (1) if it has none of them.
  static Target native();
  /// "native" or a name of `names()`; throws drawloom::Error (2) for any other.
  static Target byName(std::string_view name);
  static std::vector<std::string> names();
};

} // namespace drawloom
