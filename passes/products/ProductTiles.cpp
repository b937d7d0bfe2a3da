#include "passes/products/ProductTiles.h"
#include "passes/memory/Layout.h"

using namespace mlir;

namespace drawloom::products {

Value mapOfRows(const GpuBuilder &g, unsigned number, dgpu::TileType box, MapList &maps) {
  auto memref = cast<MemRefType>(g.k.kernel.memref(number).getType());
  int64_t rank = memref.getRank(), columns = memref.getDimSize(rank - 1);
  int64_t stride = memref.getStridesAndOffset().first[rank - 2];
  auto map = dgpu::TensorMapAttr::get(g.b.getContext(), number, memref.getElementType(),
                                      {columns, memref.getNumElements() / columns}, {stride * 2},
                                      {box.panelColumns(), box.getRows()}, box.getSwizzle());
  return maps.add(g, map);
}

dgpu::TileType weightSlice(const GpuBuilder &g, bool transposeB, int64_t columns, Type element) {
  return transposeB ? g.tileType(columns, kSliceInner, element) : g.tileType(kSliceInner, columns, element);
}

void loadWeights(const GpuBuilder &g, TypedValue<dgpu::TileType> tile, Value map, bool transposeB,
                 int64_t slice, Value firstColumn, Value barrier) {
  SmallVector<Value> at{g.i32(slice * kSliceInner), firstColumn};
  if (!transposeB) std::swap(at[0], at[1]);
  dgpu::TmaLoadOp::create(g.b, g.loc, tile, map, at, barrier);
}

} // namespace drawloom::products
