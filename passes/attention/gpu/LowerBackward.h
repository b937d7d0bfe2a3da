// attend_grad in 16-bit precision on a GPU: kernels of the tensor cores.
#pragma once
#include "passes/attention/DeltaSource.h"
#include "passes/attention/Lowering.h"

namespace drawloom::attention {

/// Whether the tensor cores' kernels do this op: 16-bit elements, head dimensions that are multiples of 16 up
/// to 256, a view without predicate whose slices share no keys, rows that begin at multiples of 16 bytes.
bool hasWarpKernels(AttendGradOp op, Context &context);

/// Where the first of their kernels has delta from; `hasWarpKernels` holds.
DeltaSource deltaOfWarps(AttendGradOp op, Context &context);

/// attend_grad to launches of them; `hasWarpKernels` holds.
mlir::LogicalResult lowerToWarps(AttendGradOp op, Context &context);

} // namespace drawloom::attention
