// The target-level dialect: registration, and the rules of its types and attributes.
#include "dialect/gpu/Gpu.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace drawloom::dgpu;

#include "dialect/gpu/GpuDialect.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialect/gpu/GpuTypes.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialect/gpu/GpuAttrs.cpp.inc"

void DrawloomGpuDialect::initialize() {
  registerTypes();
  registerAttributes();
  registerOps();
}

void DrawloomGpuDialect::registerTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialect/gpu/GpuTypes.cpp.inc"
      >();
}

void DrawloomGpuDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialect/gpu/GpuAttrs.cpp.inc"
      >();
}

TileType TileType::get(int64_t rows, int64_t columns, Type elementType) {
  int64_t swizzle = 128;
  while (swizzle > 32 && columns % (swizzle / 2) != 0) swizzle /= 2;
  return Base::get(elementType.getContext(), rows, columns, elementType, swizzle, rows);
}

LogicalResult TileType::verify(function_ref<InFlightDiagnostic()> emitError, int64_t rows, int64_t columns,
                               Type elementType, int64_t swizzle, int64_t pitch) {
  if (!elementType.isBF16() && !elementType.isF16())
    return emitError() << "TILE1: expected elements of type bf16 or f16, got " << elementType;
  if (swizzle != 32 && swizzle != 64 && swizzle != 128)
    return emitError() << "TILE2: expected a swizzle of 32, 64 or 128 bytes, got " << swizzle;
  if (columns <= 0 || columns % (swizzle / 2) != 0)
    return emitError() << "TILE3: expected columns to be a positive multiple of " << swizzle / 2 << ", got "
                       << columns;
  if (rows <= 0 || pitch % 8 != 0 || pitch < rows)
    return emitError()
           << "TILE4: expected rows to be positive and pitch a multiple of 8 with pitch >= rows, got " << rows
           << " and " << pitch;
  return success();
}

LogicalResult TensorMapAttr::verify(function_ref<InFlightDiagnostic()> emitError, int64_t place, Type type,
                                    ArrayRef<int64_t> dims, ArrayRef<int64_t> strides, ArrayRef<int64_t> box,
                                    int64_t swizzle) {
  if (dims.empty() || dims.size() > 5 || strides.size() + 1 != dims.size() || box.size() != dims.size())
    return emitError() << "TMAP1: expected 1 to 5 dims, one stride fewer and as many box extents, got "
                       << dims.size() << ", " << strides.size() << " and " << box.size();
  for (int64_t dim : dims)
    if (dim <= 0 || dim >= int64_t(1) << 32)
      return emitError() << "TMAP2: expected dims from 1 to 2^32 - 1, got " << dim;
  for (int64_t stride : strides)
    if (stride <= 0 || stride % 16 != 0 || stride >= int64_t(1) << 40)
      return emitError() << "TMAP3: expected strides to be positive multiples of 16 below 2^40, got "
                         << stride;
  for (int64_t extent : box)
    if (extent < 1 || extent > 256)
      return emitError() << "TMAP4: expected box extents from 1 to 256, got " << extent;
  if (!type.isBF16() && !type.isF16() && !type.isF32())
    return emitError() << "TMAP6: expected the type bf16, f16 or f32, got " << type;
  int64_t inner = box[0] * type.getIntOrFloatBitWidth() / 8;
  bool isSwizzle = swizzle == 0 || swizzle == 32 || swizzle == 64 || swizzle == 128;
  if (!isSwizzle || inner % 16 != 0 || (swizzle != 0 && inner > swizzle))
    return emitError() << "TMAP5: expected a swizzle of 0, 32, 64 or 128 bytes that spans the box's first "
                          "extent, a multiple of 16 "
                          "bytes, got "
                       << swizzle << " and " << inner;
  if (place < 0) return emitError() << "TMAP7: expected a place of at least 0, got " << place;
  return success();
}
