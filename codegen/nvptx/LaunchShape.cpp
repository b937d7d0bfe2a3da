#include "codegen/nvptx/LaunchShape.h"
#include "dialect/gpu/Gpu.h"

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

/// The attribute as the plan has it; its verifier has seen to the ranges.
static plan::TensorMapT toPlan(dgpu::TensorMapAttr attribute) {
  plan::TensorMapT map;
  map.place = uint32_t(attribute.getPlace());
  map.dtype = attribute.getType().isF32()    ? plan::DType::F32
              : attribute.getType().isBF16() ? plan::DType::BF16
                                             : plan::DType::F16;
  map.dims.assign(attribute.getDims().begin(), attribute.getDims().end());
  map.strides.assign(attribute.getStrides().begin(), attribute.getStrides().end());
  map.box.assign(attribute.getBox().begin(), attribute.getBox().end());
  switch (attribute.getSwizzle()) {
  case 32: map.swizzle = plan::Swizzle::B32; break;
  case 64: map.swizzle = plan::Swizzle::B64; break;
  case 128: map.swizzle = plan::Swizzle::B128; break;
  default: map.swizzle = plan::Swizzle::None;
  }
  return map;
}

static LogicalResult readTensorMaps(Operation *kernel, std::vector<plan::TensorMapT> &maps) {
  Attribute attribute = kernel->getAttr(kTensorMapsAttr);
  if (!attribute) return success();
  auto list = dyn_cast<ArrayAttr>(attribute);
  for (Attribute entry : list ? list.getValue() : ArrayRef<Attribute>(attribute)) {
    auto map = dyn_cast<dgpu::TensorMapAttr>(entry);
    if (!map)
      return kernel->emitError() << "expected " << kTensorMapsAttr
                                 << " to be a list of #drawloom_gpu.tensor_map, got " << attribute;
    maps.push_back(toPlan(map));
  }
  return success();
}

FailureOr<LaunchShape> launchShapeOf(Operation *kernel) {
  LaunchShape shape;
  if (failed(read(kernel, kThreadsAttr, 1, kMaxThreads, shape.threads)) ||
      failed(read(kernel, kItemsAttr, 1, std::numeric_limits<int32_t>::max(), shape.items)) ||
      failed(read(kernel, kSharedAttr, 0, kMaxSharedBytes, shape.sharedBytes)) ||
      failed(read(kernel, kMinBlocksAttr, 1, 32, shape.minBlocks)) ||
      failed(readTensorMaps(kernel, shape.tensorMaps)))
    return failure();
  if (shape.threads > 1 && shape.threads % 32 != 0)
    return kernel->emitError() << "expected " << kThreadsAttr
                               << " to be whole warps of 32 (or one thread), got " << shape.threads;
  shape.flushDenormals = kernel->hasAttr(kFlushDenormalsAttr);
  return shape;
}

} // namespace drawloom
