#include "codegen/Target.h"
#include "runtime/support/Error.h"
#include "llvm/TargetParser/Host.h"
#include <algorithm>

namespace drawloom {

/// Most capable first. Features beyond those of the level before are last.
static const std::vector<Target> &targets() {
  static const std::vector<Target> list = [] {
    std::vector<std::string> v3 = {"cmov",   "cx8",    "fxsr",   "sse",  "sse2",  "sse3", "ssse3",
                                   "sse4.1", "sse4.2", "popcnt", "cx16", "sahf",  "avx",  "avx2",
                                   "fma",    "f16c",   "bmi",    "bmi2", "lzcnt", "movbe"};
    std::vector<std::string> v4 = v3;
    for (const char *feature : {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"})
      v4.push_back(feature);
    const std::string triple = "x86_64-unknown-linux-gnu", nvidia = "nvptx64-nvidia-cuda";
    // PTX 8.7 has all of Hopper; from 8.1 on, kernels may have more than 4 KiB of parameters.
    return std::vector<Target>{{"x86-64-v4", triple, "x86-64-v4", v4, 512},
                               {"x86-64-v3", triple, "x86-64-v3", v3, 256},
                               {"sm_90a", nvidia, "sm_90a", {}, 128, 16, "+ptx87", 227 << 10},
                               {"sm_80", nvidia, "sm_80", {}, 128, 16, "+ptx81", 163 << 10}};
  }();
  return list;
}

Target Target::native() {
  auto have = llvm::sys::getHostCPUFeatures();
  // LLVM reports no baseline features; every x86-64 machine has those.
  for (const char *baseline : {"cmov", "cx8", "fxsr", "sse", "sse2"}) have[baseline] = true;
  for (const Target &target : targets())
    if (!target.isGpu() && std::all_of(target.features.begin(), target.features.end(),
                                       [&](const std::string &f) { return have.lookup(f); }))
      return target;
  failWithHint(kFailed,
               "Drawloom needs a processor with AVX2 and FMA (Intel Haswell, AMD Excavator, or later)",
               "this processor lacks instructions that compiled kernels use");
}

Target Target::byName(std::string_view name) {
  if (name == "native") return native();
  std::string known = "native";
  for (const Target &target : targets()) {
    if (target.name == name) return target;
    known += ", " + target.name;
  }
  failWithHint(kUsage, "known targets: " + known, "unknown target '{}'", name);
}

std::vector<std::string> Target::names() {
  std::vector<std::string> result;
  for (const Target &target : targets()) result.push_back(target.name);
  return result;
}

} // namespace drawloom
