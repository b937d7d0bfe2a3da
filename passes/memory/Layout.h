// How a value lies in memory: which values are views of which, known before any offset is assigned. Passes
// that build memref types and the memory planner ask the same questions here, so that they cannot disagree.
#pragma once
#include "dialect/ir/Dialect.h"

namespace drawloom {

/// Distance in elements between consecutive rows of `value` (a tensor whose leading dimensions are rows):
/// - a part of a `split` has the stride of what is split;
/// - a value whose only use is a `concat`, and whose producer can write rows at a distance (anything that
/// runs: launch, matmul
///   and the ops that become launches), has the stride of the joined tensor;
/// - a value that an op writes its result over (`launch`'s inplace, matmul's and column_sum's init, `from` of
/// attend and
///   attend_grad) has the stride of that result;
/// - anything else is dense: the stride is its last dimension.
/// Arguments and results of a `recompute` are the values they stand for. The answer is the same before and
/// after an op is lowered to a launch. Rank-1 tensors are one row, so their stride is their length.
int64_t rowStride(mlir::Value value);

/// Elements before the first of `value` in the memory that it is a part of (0 for what is no part): with
/// `rowStride` it says how rows are aligned.
int64_t rowOffset(mlir::Value value);

/// Number of rows: the product of the leading dimensions.
int64_t rowCount(mlir::RankedTensorType type);

/// Length of a row: the last dimension (1 for rank 0).
int64_t rowLength(mlir::RankedTensorType type);

/// A memref type in which a kernel takes `value`: its shape, with `rowStride` between rows (identity layout
/// if dense).
mlir::MemRefType kernelMemRefType(mlir::Value value);

/// The operand that result `result` of `op` is written over, or null: `inplace` of a launch, `init` of matmul
/// and column_sum, `out0`/`lse0` of attend, `dq0`/`dk0`/`dv0` of attend_grad.
mlir::OpOperand *tiedOperand(mlir::OpResult result);

/// The result that is written over `operand`, or null.
mlir::OpResult tiedResult(mlir::OpOperand &operand);

/// True if `part`, an operand of a concat, is written in place of its columns by its producer (else it is
/// copied there).
bool isWrittenIntoConcat(mlir::OpOperand &part);

/// Optional attribute of a launch, one entry a result: an operand (or -1) whose memory the result may take
/// over if the operand is dead afterwards. The kernel promises that a work item reads its share of that
/// operand before it writes its share of the result, and that no other item reads that share. Unlike
/// `inplace` it leaves the kernel's signature alone.
inline constexpr llvm::StringLiteral kReuseAttr = "drawloom.reuse";

/// True if `result` may take over the memory of `operand` in this sense. Both belong to one op.
bool mayReuse(mlir::OpOperand &operand, mlir::OpResult result);

} // namespace drawloom
