// Patterns: which keys a query attends to, as a set and never as a mask.
//
// A pattern is a set of triples (h, i, j): in head h, the query at position i attends to the key at position
// j. Positions run from 0 to n - 1, and j <= i always (a token sees itself and what came before it). Three
// ideas carry everything here.
//
// 1. A set. We write it as a formula over h, i, j and n: (in)equalities of affine expressions, where `// k`
// and `mod k` by
//    a positive constant are allowed (Presburger arithmetic). It stays a formula. Nothing of size n x n is
//    ever made, so a million positions cost what a hundred do. `local(4)` is {i - j < 4}; `column(4)` is {(i
//    - j) mod 4 == 0}.
//
// 2. A view. Rewrite the pair (i, j) in coordinates in which every query's keys are one interval. Take
// column(4), n = 10.
//    Query 9 attends to 1, 5, 9: scattered. Now let i = 4 r + s and j = 4 t + s. Queries and keys with the
//    same s (the "slice") meet only each other, and in slice s = 1 the positions 1, 5, 9 are the rows and key
//    slots 0, 1, 2:
//
//        slice 0: rows 0 4 8      slice 1: rows 1 5 9      slice 2: rows 2 6      slice 3: rows 3 7
//                 t 0 1 2                  t 0 1 2                  t 0 1                 t 0 1
//           r 0:    x                r 0:    x                r 0:    x             r 0:    x
//           r 1:    x x              r 1:    x x              r 1:    x x           r 1:    x x
//           r 2:    x x x            r 2:    x x x
//
//    In these coordinates the piece is dense: row r attends to the slots [0, r + 1), all of them, as in
//    ordinary causal attention of a sequence of three. A tile of 64 rows by 64 slots then holds useful work
//    throughout, and a strided address computation reads it; nothing is copied. n = 10 is ragged: slices 2
//    and 3 have one row less, which the view's `rows` says. A `block` has slices that are the blocks; `local`
//    is its own view; the summary keys {j mod l in [a, a + c)} are packed into slots, t = c * (j // l) + (j
//    mod l - a), and make a staircase [0, c (i // l)).
//
// 3. A disjoint union. Softmax needs each pair once. `strided(4)` is local(4) or column(4), and the two share
// j = i. So the
//    second piece gives up what the first one has: local as it is, then column without distance 0, whose
//    interval is [0, r) instead of [0, r + 1). Each piece keeps its own view, and one online softmax runs
//    through all of them. In general A or B becomes A, then B and not A, cut into conjunctions that are each
//    one interval a row (Views.h).
//
// A formula that has no such view (say i + j < 9, whose bound falls as i grows) is still exact: its piece
// keeps the formula as a predicate that edge tiles evaluate, and each tile is proved empty, full or neither
// (Tiles.h).
#pragma once
#include "dialect/pattern/Syntax.h"
#include "mlir/IR/IntegerSet.h"
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drawloom {

/// Why a text is not a pattern, and where.
struct PatternError {
  unsigned column = 0; ///< 1-based column of the offending text
  std::string message; ///< "expected X, found Y"
  std::string hint;    ///< what to write instead; may be empty

  /// "column 7: unknown name 'locl' (did you mean 'local'?)"
  std::string str() const;
};

/// A set of (head, query, key) triples, causal by definition. An immutable value, cheap to copy.
class Pattern {
public:
  /// Reads the pattern language of Parser.h. On failure returns nothing and fills `error`.
  static std::optional<Pattern> parse(std::string_view text, PatternError &error);
  explicit Pattern(SetRef root) : set(std::move(root)) {}

  /// The canonical text: parsing it gives an equal pattern, and equal patterns have equal texts.
  std::string spelling() const;
  bool operator==(const Pattern &other) const { return spelling() == other.spelling(); }

  /// Whether head h's query i attends to key j among n positions. False outside 0 <= j <= i < n.
  bool contains(int64_t h, int64_t i, int64_t j, int64_t n) const;

  /// The exact set: a union of affine sets with dimensions (h, i, j) and symbol n, causality included,
  /// positions within [0, n).
  std::vector<mlir::IntegerSet> sets(mlir::MLIRContext *context) const;

  /// The pattern that head h has: every `heads(...)` replaced by its member for h. `h` itself stays symbolic.
  Pattern forHead(int64_t h) const;

  /// Pairs (i, j) of all heads 0 .. heads - 1 together. Closed form for named forms; one for each
  /// slice of what has a dense view; otherwise see CountUnion.h (M^2 residue pairs, M the formula's period).
  int64_t countPairs(int64_t n, int64_t heads) const;
  /// Keys of query i in head h. O(1) for named forms, O(i) evaluations otherwise.
  int64_t countRow(int64_t h, int64_t i, int64_t n) const;

  const SetNode &root() const { return *set; }
  const SetRef &rootRef() const { return set; }

private:
  SetRef set;
};

} // namespace drawloom
