// The machines that kernels are compiled for.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace drawloom {

/// A level of x86-64. Kernels of every target compute the same bits: their vectors have the same number of
/// lanes, and a target says only how many registers such a vector takes.
struct Target {
  std::string name;   ///< "x86-64-v3" or "x86-64-v4"
  std::string triple; ///< "x86_64-unknown-linux-gnu"
  std::string cpu;    ///< LLVM's name of what is selected and scheduled for
  std::vector<std::string>
      features;   ///< what the code needs of a machine, in LLVM's names: "avx2", "fma", "avx512f", ...
  int vectorBits; ///< width of a vector register
  int lanes = 16; ///< f32 lanes of a row kernel's vectors

  /// The best level that this machine has. Throws drawloom::Error (1) if it has none of them.
  static Target native();
  /// "native" or a name of `names()`; throws drawloom::Error (2) for any other.
  static Target byName(std::string_view name);
  static std::vector<std::string> names();
};

} // namespace drawloom
