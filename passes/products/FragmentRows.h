// Row ops on the elements of a product that a thread holds.
#pragma once
#include "passes/gpu/GpuBuilder.h"
#include "passes/rows/RowOps.h"

namespace drawloom::products {

using mlir::Value;

/// Two neighbouring columns of a row, and what is known of them. Vectors have two elements.
struct Pair {
  Value row, column; ///< of the product (index); the column of the first
  Value product;     ///< f32
  Value input;       ///< of the epilogue's input tensor, or null
};

/// The row ops of a fusion behind its product, as rows::RowOps has them: the arithmetic, and so the bits, are
/// those of a row kernel.
class FragmentRows {
public:
  /// `arguments` are the fusion's block arguments that lie in `memrefs`.
  FragmentRows(rows::KernelBuilder &kernel, MatmulOp product, llvm::ArrayRef<unsigned> arguments,
               mlir::ValueRange memrefs);
  FragmentRows(const FragmentRows &) = delete;

  /// The block argument that comes with the pairs.
  void setInput(Value argument);
  mlir::LogicalResult add(mlir::Operation *op);

  /// Whose elements can be asked for: a row value, or what a column_sum adds up.
  rows::Node *node(Value value);
  /// f32, as the value's type holds it. `known` keeps what has been computed of the pair.
  using Known = llvm::DenseMap<rows::Node *, Value>;
  Value evaluate(const GpuBuilder &g, rows::Node *node, const Pair &pair, Known &known);

private:
  Value loadShared(const GpuBuilder &g, const rows::Node &node, const Pair &pair);

  int64_t columns;
  rows::RowProgram program;
  rows::RowOps ops;
  Pair current; ///< that is being evaluated
};

} // namespace drawloom::products
