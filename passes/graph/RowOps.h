// What a row op reads and writes of a row: the knowledge that fusion is decided with.
#pragma once
#include "dialect/ir/Dialect.h"

namespace drawloom {

/// How an operand or a result of a row op relates to the rows that the op works on.
enum class RowRole {
  Row,    ///< row r of the op has row r of the tensor
  PerRow, ///< row r has one element of the tensor (statistics, targets, log-likelihoods)
  Shared, ///< all rows read the same (bias, scale, table, rng)
  Reduced ///< a result that is known after the last row (column sums)
};

/// A row op: the number of rows, and a role for each operand and each result.
struct RowShape {
  int64_t rows;
  llvm::SmallVector<RowRole, 6> operands;
  llvm::SmallVector<RowRole, 4> results;
};

/// The shape of an op that may stand in a fusion with others; nothing for any other op.
std::optional<RowShape> describeRowOp(mlir::Operation *op);

} // namespace drawloom
