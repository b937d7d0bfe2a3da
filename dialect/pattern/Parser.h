// The pattern language, as it stands in model specs and in #drawloom.pattern attributes.
//
//   set        := conjunction ("or" conjunction)*
//   conjunction:= negation ("and" negation)*
//   negation   := "not" negation | comparison
//   comparison := sum (("<" | "<=" | ">" | ">=" | "==" | "!=") sum)*        0 <= i - j < 64 means both
//   sum        := product (("+" | "-") product)*
//   product    := unary (("*" | "//" | "mod") unary)*                      `*` needs a constant factor,
//   unary      := "-" unary | primary                                      `//` and `mod` a positive constant
//   divisor primary    := integer | "h" | "i" | "j" | "n" | "(" set or sum ")" | form | "heads" "(" set (","
//   set)* ")" form       := "local" "(" l ")" | "column" "(" l ")" | "block" "(" l ")" | "strided" "(" l ")"
//   | "dense"
//               | "summary" "(" l "," ["c" "="] c ")" | "fixed" "(" l "," ["c" "="] c ")"
//
// h is the head, i the query, j the key, n the number of positions. `//` and `mod` round towards minus
// infinity, as in Python. Parameters are 1 <= l < 2^31, and c divides l. `j <= i` need not be written: it
// always holds. heads(p0, p1, ...) gives head h the set p(h mod count); inside, h is still the number of the
// head among all heads.
//
// Errors name the column and, for a misspelt word, the nearest word of the language. An expression whose
// value could leave 62 bits for positions below 2^31 is refused, so that evaluation never overflows.
#pragma once
#include "dialect/pattern/Pattern.h"

namespace drawloom {

/// The syntax tree of `text`, or null with `error` filled.
SetRef parsePattern(std::string_view text, PatternError &error);

} // namespace drawloom
