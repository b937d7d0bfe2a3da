// How far apart two words are, for "did you mean" hints.
#pragma once
#include <cstddef>
#include <string_view>

namespace drawloom {

/// Insertions, deletions, substitutions and swaps of neighbours that turn one word into the other (optimal
/// string alignment).
size_t editDistance(std::string_view a, std::string_view b);

/// The largest distance at which a word is still worth suggesting for one of this length.
inline size_t nearEnough(std::string_view word) {
  return word.size() <= 3 ? 1 : word.size() <= 6 ? 2 : word.size() / 3 + 1;
}

} // namespace drawloom
