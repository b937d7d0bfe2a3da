#include "codegen/nvptx/LaunchShape.h"
#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;

namespace drawloom {

/// Reads an integer attribute into `value`, which keeps its default if there is none.
static LogicalResult read(Operation *kernel, StringRef name, int64_t low, int64_t high, uint32_t &value) {
  Attribute attribute = kernel->getAttr(name);
  if (!attribute) return success();
  auto integer = dyn_cast<IntegerAttr>(attribute);
  if (!integer || integer.getInt() < low || integer.getInt() > high)
    return kernel->emitError() << "expected " << name << " to be an integer from " << low << " to " << high
                               << ", got " << attribute;
  value = uint32_t(integer.getInt());
  return success();
}

FailureOr<LaunchShape> launchShapeOf(Operation *kernel) {
  LaunchShape shape;
  if (failed(read(kernel, kThreadsAttr, 1, kMaxThreads, shape.threads)) ||
      failed(read(kernel, kItemsAttr, 1, std::numeric_limits<int32_t>::max(), shape.items)) ||
      failed(read(kernel, kSharedAttr, 0, kMaxSharedBytes, shape.sharedBytes)) ||
      failed(read(kernel, kMinBlocksAttr, 1, 32, shape.minBlocks)))
    return failure();
  if (shape.threads > 1 && shape.threads % 32 != 0)
    return kernel->emitError() << "expected " << kThreadsAttr << " to be whole warps of 32 (or one thread), got "
                               << shape.threads;
  shape.flushDenormals = kernel->hasAttr(kFlushDenormalsAttr);
  return shape;
}

} // namespace drawloom
