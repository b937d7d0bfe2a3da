// Questions about one view, answered on integers.
#pragma once
#include "dialect/pattern/View.h"
#include <optional>
#include <string>

namespace drawloom {

/// [lo, hi); empty if lo >= hi.
struct Interval {
  int64_t lo = 0, hi = 0;
  bool empty() const { return lo >= hi; }
  int64_t size() const { return empty() ? 0 : hi - lo; }
};

/// Affine expressions as stack programs over int64: some nanoseconds an operation, no allocation. Divisors
/// are positive constants.
class CompiledMap {
public:
  CompiledMap() = default;
  explicit CompiledMap(mlir::AffineMap map);
  unsigned results() const { return starts.size(); }
  int64_t result(unsigned k, const int64_t *dims) const;
  int64_t max(const int64_t *dims) const; ///< greatest result
  int64_t min(const int64_t *dims) const; ///< least result

private:
  friend class CompiledSet;
  enum Code : uint8_t { Dim, Const, Add, Mul, FloorDiv, Mod, End };
  struct Step {
    Code code;
    int64_t value;
  };
  void compile(mlir::AffineExpr e);
  std::vector<Step> steps;
  std::vector<unsigned> starts; ///< of each result's steps
  unsigned depth = 0;           ///< of the stack
};

/// A union of integer sets over (h, i, j) without symbols.
class CompiledSet {
public:
  CompiledSet() = default;
  explicit CompiledSet(const std::vector<mlir::IntegerSet> &sets);
  bool contains(int64_t h, int64_t i, int64_t j) const;

private:
  struct Conjunction {
    CompiledMap constraints;
    std::vector<bool> equality;
  };
  std::vector<Conjunction> sets;
};

/// A view ready for evaluation. `h` must be one of the view's heads, s < slices(h) and so on.
class ViewEvaluator {
public:
  explicit ViewEvaluator(const PieceView &view);
  int64_t slices(int64_t h) const;
  int64_t rows(int64_t h, int64_t s) const;
  int64_t keys(int64_t h, int64_t s) const;
  int64_t query(int64_t h, int64_t s, int64_t r) const;
  int64_t key(int64_t h, int64_t s, int64_t t) const;
  /// The key slots that row r attends to, within [0, keys). With a predicate: the slots to test.
  Interval keySlots(int64_t h, int64_t s, int64_t r) const;
  /// The rows that attend to slot t, within [0, rows). With a predicate: the rows to test.
  Interval queryRows(int64_t h, int64_t s, int64_t t) const;
  /// The bounds as the maps give them, not clamped.
  Interval rawKeySlots(int64_t h, int64_t s, int64_t r) const;
  Interval rawQueryRows(int64_t h, int64_t s, int64_t t) const;
  bool hasPredicate() const { return predicated; }
  /// Whether the predicate holds at (h, i, j); true if there is none.
  bool predicate(int64_t h, int64_t i, int64_t j) const { return !predicated || formula.contains(h, i, j); }

private:
  CompiledMap slicesMap, rowsMap, queryMap, keysMap, keyMap, keyLo, keyHi, rowLo, rowHi;
  CompiledSet formula;
  bool predicated;
};

/// Where query i lies: maps (h, i) -> s and (h, i) -> r, the inverse of `query`. i belongs to the view
/// exactly when 0 <= s < slices(h) and 0 <= r < rows(h, s) for the values they give.
struct QueryInverse {
  mlir::AffineMap slice, row;
};
QueryInverse inverseQuery(const PieceView &view);

/// Pairs of the piece, all its heads together: a closed form a slice (IntervalCounter of CountUnion.h), once
/// for all heads if no map uses h. With a predicate: see countUnion there.
int64_t countPairs(const PieceView &view);

/// Whether every query position 0 .. n - 1 of every head 0 .. heads - 1 is a row of the view (its interval
/// may be empty).
bool coversAllRows(const PieceView &view, int64_t n, int64_t heads);

/// Checks the invariants of View.h by enumeration and says which one is broken; nothing if all hold. O(n^2) a
/// head: for tests and small n.
std::optional<std::string> verifyView(const PieceView &view, int64_t n, int64_t heads);

} // namespace drawloom
