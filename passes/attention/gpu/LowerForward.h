// attend in 16-bit precision on a GPU: the kernel of the tensor cores.
#pragma once
#include "passes/attention/Lowering.h"

namespace drawloom::attention {

/// Whether the tensor cores' kernel does this op: 16-bit elements of one type, head dimensions that are
/// multiples of 16 up to 256, a view without predicate, rows that begin at multiples of 16 bytes.
bool hasWarpKernels(AttendOp op, Context &context);

/// attend to a launch of it; `hasWarpKernels` holds.
mlir::LogicalResult lowerToWarps(AttendOp op, Context &context);

} // namespace drawloom::attention
