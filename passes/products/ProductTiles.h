// The tiles of a product's operands in shared memory and the copies that bring them.
#pragma once
#include "passes/gpu/TensorMaps.h"
#include "passes/products/ProductPlan.h"

namespace drawloom::products {

using mlir::Value;

/// A tensor map of the memref's rows (its last dimension) in boxes of the tile's panels.
Value mapOfRows(const GpuBuilder &g, unsigned memref, dgpu::TileType box, MapList &maps);

/// The tile of b that one slice of the inner extent multiplies with: [columns, kSliceInner] if b is
/// transposed, else [kSliceInner, columns].
dgpu::TileType weightSlice(const GpuBuilder &g, bool transposeB, int64_t columns, mlir::Type element);

/// By one thread: starts the copy of slice number `slice` of b's columns from `firstColumn` (i32) on.
void loadWeights(const GpuBuilder &g, mlir::TypedValue<dgpu::TileType> tile, Value map, bool transposeB,
                 int64_t slice, Value firstColumn, Value barrier);

} // namespace drawloom::products
