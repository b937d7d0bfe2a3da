// The one kernel that memory planning itself adds: copying a tensor.
#pragma once
#include "dialect/ir/Dialect.h"

namespace drawloom {

/// Inserts, at the builder's insertion point, a launch that copies `source` into memory of its own, and
/// returns the copy. Only its final uses decide where the copy lies; so give it these uses and then call
/// `finishCopy`, which makes the kernel.
mlir::Value insertCopy(mlir::OpBuilder &builder, mlir::Value source);

/// As above, with rows at a distance of `stride` elements: the copy is a part of a wider tensor.
mlir::Value insertCopy(mlir::OpBuilder &builder, mlir::Value source, int64_t stride);

/// Gives a copy its kernel, for the strides that its operand and its result now have.
void finishCopy(mlir::ModuleOp module, LaunchOp copy, bool onGpu = false);

} // namespace drawloom
