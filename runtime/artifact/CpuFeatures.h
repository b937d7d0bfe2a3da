// Which instructions this processor and its operating system offer.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace drawloom {

/// The features of `needed` (LLVM's names: "avx2", "fma", "avx512f", ...) that are not there, in order. A
/// name that this runtime does not know counts as not there.
std::vector<std::string> missingCpuFeatures(std::span<const std::string> needed);

/// Every known feature that is there, for `doctor` and messages.
std::vector<std::string_view> presentCpuFeatures();

} // namespace drawloom
