// Affine expressions in linear normal form: a constant plus integer multiples of atoms, where an atom is a
// dimension, e floordiv k or e mod k. Knowing the ranges of the dimensions simplifies more than AffineExpr's
// own rules do.
#pragma once
#include "dialect/pattern/ViewQuery.h"
#include "mlir/IR/AffineExpr.h"

namespace drawloom {

/// constant + Σ coefficient * atom; atoms distinct, coefficients not zero, in an order that depends on
/// structure only.
struct Linear {
  int64_t constant = 0;
  llvm::SmallVector<std::pair<mlir::AffineExpr, int64_t>, 4> terms;

  void add(mlir::AffineExpr atom, int64_t coefficient);
  Linear &operator+=(const Linear &other) { return addScaled(other, 1); }
  Linear &addScaled(const Linear &other, int64_t factor);
  bool isConstant() const { return terms.empty(); }
  mlir::AffineExpr expr(mlir::MLIRContext *context) const;
};

/// Inclusive ranges of the dimensions; dimensions beyond the list are unbounded. If `causal`, dimension 1
/// (query) is not below dimension 2 (key), which bounds multiples of their difference.
struct Ranges {
  llvm::SmallVector<std::optional<std::pair<int64_t, int64_t>>, 4> dims;
  bool causal = false;
};

/// Normal form of an expression without symbols; divisors are positive constants. Folds floordiv and mod by
/// pulling out multiples of the divisor and by ranges.
Linear toLinear(mlir::AffineExpr e, const Ranges &ranges = {});
mlir::AffineExpr simplify(mlir::AffineExpr e, const Ranges &ranges = {});

/// Inclusive range of a normal form, if all that it needs is bounded and it fits 63 bits.
std::optional<std::pair<int64_t, int64_t>> rangeOf(const Linear &e, const Ranges &ranges);

/// x mod k replaced by x - k (x floordiv k), everywhere but inside other atoms.
Linear expandMods(const Linear &e, const Ranges &ranges);

/// Whether the expression mentions a dimension.
bool mentions(const Linear &e, unsigned dim);

} // namespace drawloom
