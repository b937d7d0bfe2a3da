#include "runtime/data/Split.h"
#include "runtime/support/Error.h"
#include <algorithm>
#include <cmath>

namespace drawloom {

static Split splitByCount(uint64_t size, const std::array<double, 3> &parts, std::string_view item) {
  std::array<uint64_t, 4> cut{};
  for (int k = 0; k < 3; ++k) {
    require(std::floor(parts[k]) == parts[k] && parts[k] < 0x1p53, kBadInput,
            "data.split: {} is no whole number of {}s (numbers above 1 are counts, up to 1 fractions)",
            parts[k], item);
    cut[k + 1] = cut[k] + uint64_t(parts[k]);
  }
  if (cut[3] > size)
    failWithHint(kBadInput, "fractions suit data of any size: --set data.split=[0.9,0.05,0.05]",
                 "data.split asks for {} + {} + {} = {} {}s, but the data has {}", parts[0], parts[1],
                 parts[2], cut[3], item, size);
  return {{cut[0], cut[1]}, {cut[1], cut[2]}, {cut[2], cut[3]}};
}

Split splitData(uint64_t size, const std::array<double, 3> &parts, std::string_view item) {
  for (double p : parts)
    require(std::isfinite(p) && p >= 0, kBadInput,
            "data.split: expected numbers that are not negative, found {}", p);
  if (*std::max_element(parts.begin(), parts.end()) > 1) return splitByCount(size, parts, item);
  double sum = parts[0] + parts[1] + parts[2];
  // 0.9 + 0.05 + 0.05 may exceed 1 by rounding.
  require(sum <= 1 + 1e-9, kBadInput, "data.split: fractions sum to {}, expected at most 1", sum);
  std::array<uint64_t, 4> cut{};
  double cumulative = 0;
  for (int k = 0; k < 3; ++k) {
    cumulative += parts[k];
    bool whole = cumulative >= 1 - 1e-9; // so that the last byte is not lost to rounding
    cut[k + 1] = whole ? size : std::min(size, uint64_t(std::floor(cumulative * double(size))));
  }
  return {{cut[0], cut[1]}, {cut[1], cut[2]}, {cut[2], cut[3]}};
}

Range partOf(const Split &split, std::string_view name) {
  if (name == "train") return split.train;
  if (name == "valid") return split.valid;
  if (name == "test") return split.test;
  fail(kUsage, "no split is called '{}': expected train, valid or test", name);
}

} // namespace drawloom
