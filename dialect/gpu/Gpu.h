// The target-level dialect's C++ classes.
#pragma once
#include "dialect/Pch.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"

#include "dialect/gpu/GpuDialect.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialect/gpu/GpuTypes.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialect/gpu/GpuAttrs.h.inc"

#define GET_OP_CLASSES
#include "dialect/gpu/GpuOps.h.inc"

namespace drawloom {

/// Attributes that a kernel function carries on a GPU (docs/design/gpu.md).
inline constexpr llvm::StringLiteral kThreadsAttr = "drawloom.threads"; // i64: of a block
inline constexpr llvm::StringLiteral kItemsAttr = "drawloom.items"; // i64: work items of a block; 1 if absent
inline constexpr llvm::StringLiteral kSharedAttr = "drawloom.shared"; // i64: bytes of dynamic shared memory
inline constexpr llvm::StringLiteral kMinBlocksAttr =
    "drawloom.min_blocks"; // i64: blocks that fit a multiprocessor
inline constexpr llvm::StringLiteral kFlushDenormalsAttr =
    "drawloom.flush_denormals"; // unit: subnormal f32 are zero
inline constexpr llvm::StringLiteral kTensorMapsAttr =
    "drawloom.tensor_maps"; // array of #drawloom_gpu.tensor_map

/// The array of bytes, in address space 3, that stands for a block's dynamic shared memory.
inline constexpr llvm::StringLiteral kDynamicSharedSymbol = "shared";

} // namespace drawloom
