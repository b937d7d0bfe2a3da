// Which products a kernel of our own computes together with the row ops after them.
#pragma once
#include "dialect/ir/Dialect.h"

namespace drawloom::products {

/// The kernels that there are (sm_90a).
enum class Method {
  Columns,    ///< ProductKernel: the epilogue has two columns of a row at a time
  Rows,       ///< RowProductKernel: it has whole rows
  WeightGrad, ///< WeightGradKernel: the "epilogue" is a sum over rows of the product's first operand
};

/// Which kernel can have `product` and the row ops `epilogue` on its rows, in program order. The ops stand in
/// one block: in the graph before they are fused, or in a fusion.
///
/// Columns and Rows: product [M, K] x [K, N] -> [M, N]: bf16 or f16 throughout, a not transposed, neither
/// init nor bias, K and N multiples of 8; rows of a and b begin at multiples of 16 bytes.
///
/// Columns: K at most 512 (columns of b stay in shared memory). Epilogue: bias_add, add, cast, gelu,
/// gelu_grad on [M, N], column_sum of such values, and one attention_delta of two of them, if some tile has
/// whole heads. Besides the product it reads at most one tensor [M, N], and at most two of all [M, N] values
/// are used by other ops; those have the product's element type and rows that begin at multiples of 16 bytes.
///
/// Rows: N a multiple of 64, at most 256. Epilogue: also dropout, layer_norm and layer_norm_grad. Besides the
/// product it reads at most two tensors [M, N], and at most four sums over rows are made.
///
/// WeightGrad: dY^T X, [N, K] f32 from dY [M, N] and X [M, K] (a transposed, b not; with init or without, no
/// bias), and the column_sum of dY, with init or without, or nothing. N and K multiples of 8, rows of dY and
/// X as above.
std::optional<Method> methodFor(MatmulOp product, llvm::ArrayRef<mlir::Operation *> epilogue);

/// Bytes of partial sums that the kernel of a weight's gradient writes, and reads again.
int64_t partialBytes(MatmulOp weightGrad);

/// Whether some kernel can have them.
bool canLower(MatmulOp product, llvm::ArrayRef<mlir::Operation *> epilogue);

} // namespace drawloom::products
