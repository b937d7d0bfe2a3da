// Which products a kernel of our own computes together with the row ops after them.
#pragma once
#include "dialect/ir/Dialect.h"

namespace drawloom::products {

/// Whether `product` and the row ops `epilogue` on its rows, in program order, may become one kernel
/// (sm_90a). The ops stand in one block: in the graph before they are fused, or in a fusion.
///
/// product [M, K] x [K, N] -> [M, N]: bf16 or f16 throughout, a not transposed, neither init nor bias, K and
/// N multiples of 8 and K at most 512 (columns of b stay in shared memory). Epilogue: bias_add, add, cast,
/// gelu, gelu_grad on [M, N], and column_sum of such values. Besides the product it reads at most one tensor
/// [M, N], and at most two of all [M, N] values are used by other ops; those have the product's element type.
/// Rows of all of these begin at multiples of 16 bytes.
bool canLower(MatmulOp product, llvm::ArrayRef<mlir::Operation *> epilogue);

} // namespace drawloom::products
