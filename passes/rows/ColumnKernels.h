// Helpers of kernels whose work items own columns: one vector of them, masked at the end of the row.
#pragma once
#include "passes/rows/KernelLibrary.h"

namespace drawloom::rows {

/// The columns [first, first + lanes) of a matrix of `width` columns, as far as they exist.
class ColumnBlock {
public:
  /// `block`: number of the block (index).
  ColumnBlock(mlir::OpBuilder &b, mlir::Location loc, mlir::Value block, int64_t width, int64_t lanes);

  /// Reads memref[rowIndices..., columns]; columns that do not exist read as zero.
  mlir::Value load(mlir::OpBuilder &b, mlir::Value memref, mlir::ValueRange rowIndices) const;
  void store(mlir::OpBuilder &b, mlir::Value vector, mlir::Value memref, mlir::ValueRange rowIndices) const;

private:
  llvm::SmallVector<mlir::Value> indices(mlir::ValueRange rowIndices) const;
  mlir::Location loc;
  mlir::Value first, mask;
  int64_t lanes;
};

/// f32 vectors to f64 and back.
mlir::Value widen(mlir::OpBuilder &b, mlir::Location loc, mlir::Value vector);
mlir::Value narrow(mlir::OpBuilder &b, mlir::Location loc, mlir::Value vector);

/// Emits a loop over [lower, upper) with step `step` that carries `init`; `body` gives the next value.
mlir::Value accumulateLoop(
    mlir::OpBuilder &b, mlir::Location loc, mlir::Value lower, mlir::Value upper, mlir::Value step,
    mlir::Value init,
    llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Value index, mlir::Value carried)> body);
/// The same without a carried value.
void plainLoop(mlir::OpBuilder &b, mlir::Location loc, mlir::Value lower, mlir::Value upper, mlir::Value step,
               llvm::function_ref<void(mlir::OpBuilder &, mlir::Value index)> body);

} // namespace drawloom::rows
