// How a GPU kernel is launched: what its function's attributes say.
#pragma once
#include "mlir/IR/Operation.h"
#include "runtime/schema/plan_generated.h"
#include <vector>

namespace drawloom {

// Attributes of a kernel's function; Passes.td says what they mean.
inline constexpr llvm::StringLiteral kThreadsAttr = "drawloom.threads";
inline constexpr llvm::StringLiteral kItemsAttr = "drawloom.items";
inline constexpr llvm::StringLiteral kSharedAttr = "drawloom.shared";
inline constexpr llvm::StringLiteral kTensorMapsAttr = "drawloom.tensor_maps";
inline constexpr llvm::StringLiteral kMinBlocksAttr = "drawloom.min_blocks";
inline constexpr llvm::StringLiteral kFlushDenormalsAttr = "drawloom.flush_denormals";

inline constexpr int64_t kMaxThreads = 1024, kMaxSharedBytes = 227 * 1024;

struct LaunchShape {
  uint32_t threads = 1, items = 1, sharedBytes = 0, minBlocks = 0; ///< minBlocks 0: no wish
  bool flushDenormals = false;
  std::vector<plan::TensorMapT> tensorMaps;
};

/// The shape of `kernel`, with defaults where it says nothing. An error at the kernel if a value is not an
/// integer or exceeds what a card can do.
mlir::FailureOr<LaunchShape> launchShapeOf(mlir::Operation *kernel);

} // namespace drawloom
