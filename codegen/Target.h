// The machines that kernels are compiled for.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace drawloom {

/// A level of x86-64, or the machine that compiles. Kernels of every target compute the same bits: their vectors have
/// 16 lanes everywhere, and a target says only how many registers such a vector takes.
struct Target {
  std::string name;                     ///< "x86-64-v3", "x86-64-v4"; "native" resolves to one of them
  std::string cpu;                      ///< LLVM's name for scheduling and selection
  std::vector<std::string> features;    ///< what the code needs, as the loader asks for it: "avx2", "fma", "avx512f", ...
  int vectorBits;                       ///< preferred register width: 256 or 512
  int lanes = 16;                       ///< f32 lanes of a row kernel's vectors

  /// The best level that this machine has. Throws drawloom::Error (exit code 71 is for memory; this is 1) without AVX2.
  static Target native();
  /// By name; throws drawloom::Error with the known names for any other.
  static Target byName(std::string_view name);
  static std::vector<std::string> names();
};

} // namespace drawloom
