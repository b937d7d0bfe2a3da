// Which row ops a product's kernel works through before it writes the product's rows, and whether that pays.
#pragma once
#include "dialect/ir/Dialect.h"

namespace drawloom {

/// A product and row ops after it.
///
/// Which product has which chain is a function of the ops that a forward pass and its gradient have whatever
/// is recomputed: a product that another kernel makes has other bits, and recomputation changes none.
struct ProductEpilogue {
  MatmulOp product;
  /// Elementwise ops, each of which reads the one before it, the first the product; the last may be a norm's
  /// gradient. Empty: no epilogue.
  llvm::SmallVector<mlir::Operation *> chain;
  /// What goes with them: sums over rows of what they make, norms of it, ops computed again from a tensor
  /// that they read, and elementwise ops behind a norm's gradient.
  llvm::SmallVector<mlir::Operation *> beside;

  /// The product, the chain and what is beside it, in program order.
  llvm::SmallVector<mlir::Operation *> ops() const;
};

/// The ops that can be computed with `product` in one kernel (products::canLower) at the product's place. The
/// chain goes on while one elementwise op or norm's gradient alone reads what it has made, but for gelu's
/// gradient and gelu computed again, which are not looked at; it ends with a norm's gradient. A kernel takes
/// all of the chain or nothing, and of what is beside it what it can.
ProductEpilogue findEpilogue(MatmulOp product);

/// The gradient of a bias that can be made together with `product`, the gradient of its weight: the sum over
/// rows of the same dY, which otherwise a kernel of its own would read dY for. That is so for q, k and v:
/// their gradient is a concat, which no row kernel makes, and the three ops stand in one region whatever is
/// recomputed. Null if there is none.
ColumnSumOp biasGradBeside(MatmulOp product);

/// The delta of attention that can be made together with `product`, the gradient of attention's output: it
/// reads that, and the output itself, which is there before. A product that a chain follows has none. Which
/// product has one is the same whatever is recomputed: the product, delta and what reads it stand in one
/// region. Null if there is none.
AttentionDeltaOp deltaBeside(MatmulOp product);

/// Bytes that need not travel when the chain is the product's epilogue: the product is neither written nor
/// read. But what gelu reads may have to be kept for its gradient, where row kernels keep the product in its
/// place. And other row ops read the chain's result again, which would have been made in the same kernel; if
/// nothing but row ops needs it, it would not even have been written (a sum is: it is a residual stream that
/// is added to).
int64_t savedBytes(const ProductEpilogue &epilogue);

/// The same for the sum beside a weight's gradient: dY is not read again, but partial products are written
/// and read.
int64_t savedByBiasGrad(MatmulOp weightGrad);

/// The same for delta: the product is not read again.
int64_t savedByDelta(MatmulOp product);

/// What a card does in a second, as the choice of epilogues sees it.
struct ProductRates {
  double library; ///< operations a second of the library's products
  double own;     ///< of our products, which have epilogues
  double memory;  ///< bytes a second that row kernels move
};

/// Whether an epilogue that saves `bytes` pays for what our kernel may lose on a product of `operations` (2 M
/// N K):
///   bytes / memory >= operations (1 / own - 1 / library).
/// On the safe side: a product that is bound by memory, or an epilogue whose traffic hides behind operations,
/// loses less.
bool paysForItself(int64_t bytes, double operations, const ProductRates &rates);

} // namespace drawloom
