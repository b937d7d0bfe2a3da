// attention_delta of 16-bit tensors on a GPU.
#pragma once
#include "passes/attention/Lowering.h"

namespace drawloom::attention {

/// Whether the GPU's kernel does this op: 16-bit elements, channels of a head in multiples of 8 up to 256,
/// rows that begin at multiples of 16 bytes.
bool hasWarpKernels(AttentionDeltaOp op, Context &context);

/// attention_delta to a launch of it; `hasWarpKernels` holds.
mlir::LogicalResult lowerToWarps(AttentionDeltaOp op, Context &context);

} // namespace drawloom::attention
