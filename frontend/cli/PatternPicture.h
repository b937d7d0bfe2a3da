// Patterns on the command line: reading and drawing them.
#pragma once
#include "dialect/pattern/Pattern.h"
#include <string>

namespace drawloom::cli {

/// Reads a pattern given as an argument. Throws Error(kBadInput) with a caret under the mistake.
Pattern parsePatternArgument(const std::string &text);

/// Rows are queries, columns keys, '#' attended, '.' not, blank above the diagonal. Beyond `cells` positions
/// a character stands for a square of pairs, darker (".:-=+*%@#") the more of them are attended; squares of
/// more than 32 x 32 are sampled.
std::string asciiPicture(const Pattern &pattern, int64_t n, int64_t head, int64_t cells);

/// A binary PGM image, one pixel a pair: black attended, light grey above the diagonal, white else.
std::string pgmPicture(const Pattern &pattern, int64_t n, int64_t head);

} // namespace drawloom::cli
