// What the verifiers share: shapes and messages of the form "RULE: expected X, got Y".
#pragma once
#include "dialect/ir/Dialect.h"

namespace drawloom {

using Shape = llvm::SmallVector<int64_t, 4>;

inline llvm::ArrayRef<int64_t> shapeOf(mlir::Value v) {
  return llvm::cast<mlir::RankedTensorType>(v.getType()).getShape();
}
inline Shape withoutLast(llvm::ArrayRef<int64_t> shape) { return Shape(shape.drop_back()); }
inline int64_t numRows(llvm::ArrayRef<int64_t> shape) {
  int64_t rows = 1;
  for (int64_t extent : shape.drop_back()) rows *= extent;
  return rows;
}

/// "[2, 5, 8]".
std::string shapeText(llvm::ArrayRef<int64_t> shape);

/// SHAPE1, the rule of every op on tensors; verifiers check it first because the others read extents.
llvm::LogicalResult checkStaticShapes(mlir::Operation *op);

/// "RULE: NAME must be EXPECTED, got ...". A null value passes (an optional operand that is absent).
llvm::LogicalResult checkShape(mlir::Operation *op, llvm::StringRef rule, llvm::StringRef name,
                               mlir::Value value, llvm::ArrayRef<int64_t> expected);

/// "RULE: NAME must have RANK dimensions MEANING, got ...".
llvm::LogicalResult checkRank(mlir::Operation *op, llvm::StringRef rule, llvm::StringRef name,
                              mlir::Value value, int64_t rank, llvm::StringRef meaning);

} // namespace drawloom
