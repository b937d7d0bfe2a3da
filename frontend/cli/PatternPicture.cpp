#include "frontend/cli/PatternPicture.h"
#include "runtime/support/Error.h"
#include <algorithm>

namespace drawloom::cli {
namespace {

/// Share of the causal pairs of rows [i0, i1) and columns [j0, j1) that are attended; negative if none is
/// causal.
double share(const Pattern &pattern, int64_t n, int64_t head, int64_t i0, int64_t i1, int64_t j0,
             int64_t j1) {
  int64_t causal = 0, attended = 0;
  // An odd step keeps samples from falling on one residue of an even stride.
  int64_t step = std::max<int64_t>(1, ((i1 - i0) / 32) | 1);
  if (i1 - i0 <= 32) step = 1;
  for (int64_t i = i0; i < i1; i += step)
    for (int64_t j = j0; j < std::min(j1, i + 1); j += step)
      ++causal, attended += pattern.contains(head, i, j, n);
  return causal ? double(attended) / double(causal) : -1;
}

} // namespace

Pattern parsePatternArgument(const std::string &text) {
  PatternError error;
  if (auto pattern = Pattern::parse(text, error)) return *pattern;
  std::string caret(error.column > 0 ? error.column - 1 : 0, ' ');
  throw Error(kBadInput,
              fmt::format("pattern, column {}: {}\n  {}\n  {}^", error.column, error.message, text, caret),
              error.hint);
}

std::string asciiPicture(const Pattern &pattern, int64_t n, int64_t head, int64_t cells) {
  constexpr std::string_view shades = ".:-=+*%@#";
  int64_t side = (n + cells - 1) / cells;
  std::string out;
  for (int64_t i = 0; i < n; i += side) {
    std::string line;
    for (int64_t j = 0; j <= i; j += side) {
      double x = share(pattern, n, head, i, std::min(i + side, n), j, std::min(j + side, n));
      size_t shade = x <= 0 ? 0 : x >= 1 ? shades.size() - 1 : 1 + size_t(x * double(shades.size() - 2));
      line += x < 0 ? ' ' : shades[std::min(shade, shades.size() - 1)];
    }
    out += line + "\n";
  }
  if (side > 1)
    out += fmt::format("(each character is {} x {} pairs; \"{}\" from none to all attended)\n", side, side,
                       shades);
  return out;
}

std::string pgmPicture(const Pattern &pattern, int64_t n, int64_t head) {
  std::string out = fmt::format("P5\n{} {}\n255\n", n, n);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j)
      out += j > i ? char(0xd0) : pattern.contains(head, i, j, n) ? char(0) : char(0xff);
  return out;
}

} // namespace drawloom::cli
