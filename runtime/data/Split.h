// Cutting a data set into consecutive parts for training, validation and test.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace drawloom {

/// Bytes [begin, end) of a data set.
struct Range {
  uint64_t begin = 0, end = 0;
  uint64_t size() const { return end - begin; }
  bool operator==(const Range &) const = default;
};

struct Split {
  Range train, valid, test;
};

/// The parts in order. `parts` are either fractions, each at most 1 and together at most 1, or, when any of
/// them exceeds 1, numbers of items ("byte", "image"). Fractions are cut at floor(cumulative fraction *
/// size), so parts that sum to 1 cover every item. Throws Error(kBadInput) for negative or fractional counts,
/// fractions above 1 and more items than there are.
Split splitData(uint64_t size, const std::array<double, 3> &parts, std::string_view item = "byte");

/// "train", "valid" or "test". Throws Error(kUsage) for another name.
Range partOf(const Split &split, std::string_view name);

} // namespace drawloom
