// How a GPU kernel is launched: what its function's attributes say.
#pragma once
#include "mlir/IR/Operation.h"
#include "runtime/schema/plan_generated.h"
#include <vector>

namespace drawloom {

inline constexpr int64_t kMaxThreads = 1024, kMaxSharedBytes = 227 * 1024;

struct LaunchShape {
  uint32_t threads = 1, items = 1, sharedBytes = 0, minBlocks = 1;
  bool flushDenormals = false;
  std::vector<plan::TensorMapT> tensorMaps;
};

/// The shape of `kernel`, from the attributes of dialect/gpu/Gpu.h, with defaults where it says nothing. An
/// error at the kernel if a value is not an integer or exceeds what a card can do.
mlir::FailureOr<LaunchShape> launchShapeOf(mlir::Operation *kernel);

} // namespace drawloom
