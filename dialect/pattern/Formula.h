// A set written out as a union of conjunctions of affine conditions.
#pragma once
#include "dialect/pattern/Pattern.h"
#include "mlir/IR/AffineExpr.h"

namespace drawloom {

/// expr >= 0, or expr == 0, over the space's variables. If `l` is not zero, the condition is instead that j
/// lies in the summary positions of head h, which keeps one form for all heads: lo <= j mod l < lo + c, lo =
/// l - c (h mod (l/c) + 1).
struct Condition {
  mlir::AffineExpr expr;
  bool equality = false;
  int64_t l = 0, c = 0;
};
using Conjunction = llvm::SmallVector<Condition, 4>;

/// What the variables of a pattern stand for, as dimensions, symbols or constants.
struct FormulaSpace {
  mlir::AffineExpr h, i, j, n;
  bool keepSummary = false; ///< leave positive summaries as such conditions
};

/// The set as a union of conjunctions; causality is not added. Conditions that are constant are folded; an
/// empty conjunction is true.
std::vector<Conjunction> toDisjunction(const SetNode &set, const FormulaSpace &space);

/// How many conjunctions that makes at most, saturating at 2^20; the parser refuses more than
/// kDisjunctionLimit.
int64_t disjunctionSize(const SetNode &set);
constexpr int64_t kDisjunctionLimit = 1024;

/// First position (within a block of l) of head h's summary.
mlir::AffineExpr summaryOffset(mlir::AffineExpr h, int64_t l, int64_t c);

/// The conjunction as an integer set; dims and symbols are the counts of the space's.
mlir::IntegerSet toIntegerSet(const Conjunction &conjunction, unsigned dims, unsigned symbols,
                              const FormulaSpace &space, llvm::ArrayRef<mlir::AffineExpr> nonNegative);

/// Whether an expression of a comparison uses the variable.
bool usesVariable(const SetNode &set, ExprKind variable);

} // namespace drawloom
