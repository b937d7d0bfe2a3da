// The kinds of condition for which a view can be built, recognised from affine conditions (see Views.h).
#pragma once
#include "dialect/pattern/Formula.h"
#include "dialect/pattern/Linear.h"

namespace drawloom {

/// The space (h, i, j) = dimensions 0, 1, 2 of the heads [headLo, headHi] at one n. If headLo == headHi, h is
/// that constant.
class CellSpace {
public:
  CellSpace(mlir::MLIRContext *context, int64_t n, int64_t headLo, int64_t headHi);
  mlir::MLIRContext *context;
  int64_t n, headLo, headHi;
  FormulaSpace formula;
  Ranges ranges; ///< of h, i, j; if causal, j <= i is taken for granted
  /// How many emptiness proofs may still be tried; then nothing counts as empty, and a pattern that needs
  /// more gets a predicate.
  mutable int proofsLeft = 400;
};

/// A recognised condition.
struct Cond {
  enum Kind {
    Relation, ///< relation >= 0, monotone (see Relation below)
    Residue,  ///< (x - start) mod m < w, where x is i - j, j or i: a run of residues, perhaps around the end
    Summary,  ///< j lies in the summary of head h (l, c)
  } kind = Relation;
  enum Axis { Distance, Key, Query } axis = Distance; ///< x of a residue
  Linear relation;
  int64_t m = 0, start = 0, w = 0;
  int64_t l = 0, c = 0;
};

/// A monotone relation solved for each variable. Bounds are inclusive; those of both variables are
/// non-decreasing.
struct Relation {
  enum Kind {
    Upper,    ///< j <= key(i), equivalently i >= query(j)
    Lower,    ///< j >= key(i), equivalently i <= query(j)
    QueryMin, ///< i >= value
    QueryMax, ///< i <= value
    KeyMin,   ///< j >= value
    KeyMax,   ///< j <= value
  } kind;
  mlir::AffineExpr key;   ///< over dimension 1 (i)
  mlir::AffineExpr query; ///< over dimension 2 (j)
  int64_t value = 0;
};

using Cell = llvm::SmallVector<Cond, 6>;

/// The condition as a conjunction of recognised ones; nothing if it is of no such kind. A condition that
/// always holds gives an empty list, one that never holds the relation -1 >= 0.
std::optional<llvm::SmallVector<Cond, 2>> recognize(const Condition &condition, const CellSpace &space);

/// Solves a relation; nothing if it is not monotone (recognize only lets solvable ones through).
std::optional<Relation> solve(const Linear &relation, const CellSpace &space);

/// The relation e >= 0.
Cond makeRelation(Linear e);
/// The relation i - j >= 0.
Cond makeCausality(const CellSpace &space);

/// not(condition); nothing for a summary whose head is not fixed.
std::optional<Cond> negate(const Cond &condition);

/// Proves by Presburger arithmetic that no (h, i, j) of the space satisfies all conditions. False if there is
/// no proof.
bool isEmpty(llvm::ArrayRef<Cond> conditions, const CellSpace &space);

/// The same for a conjunction as a formula has it; false if it is too large to try.
bool isEmpty(const Conjunction &conjunction, const CellSpace &space);

/// Makes one run of residues of two with the same axis and modulus, where neither goes around the end.
void mergeResidues(Cell &cell);

/// Drops conditions that the others imply, later ones first, and leaves causality in the cell exactly if
/// nothing else implies it.
void dropRedundant(Cell &cell, const CellSpace &space);

} // namespace drawloom
