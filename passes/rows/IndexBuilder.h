// Positions in a kernel: index arithmetic, affine maps, loops.
#pragma once
#include "passes/rows/KernelLibrary.h"

namespace drawloom::rows {

/// Builds ops on values of type index in a kernel, at one insertion point.
class IndexBuilder {
public:
  using Value = mlir::Value;
  using ValueRange = mlir::ValueRange;

  explicit IndexBuilder(KernelBuilder &kernel) : kernel(kernel), b(kernel.b), loc(kernel.loc) {}

  KernelBuilder &kernel;
  mlir::OpBuilder &b;
  mlir::Location loc;

  Value index(int64_t value) const { return kernel.index(value); }
  mlir::AffineExpr dim(unsigned position) const { return b.getAffineDimExpr(position); }
  Value apply(mlir::AffineMap map, ValueRange operands) const;
  /// The expression with the operands as its dimensions.
  Value apply(mlir::AffineExpr expr, ValueRange operands) const;
  Value min(Value x, Value y) const;
  Value max(Value x, Value y) const;
  /// Greatest (least) result of a map that has several.
  Value maxOf(mlir::AffineMap map, ValueRange operands) const;
  Value minOf(mlir::AffineMap map, ValueRange operands) const;
  Value less(Value x, Value y) const;

  void loop(Value from, Value to, int64_t step, llvm::function_ref<void(Value)> body) const;
  void when(Value condition, llvm::function_ref<void()> body) const;
  /// For each work item in [begin, end): its coordinates in `extents`, the last one running fastest.
  void forEachItem(llvm::ArrayRef<int64_t> extents,
                   llvm::function_ref<void(llvm::ArrayRef<Value>)> body) const;
};

} // namespace drawloom::rows
