#include "passes/attention/gpu/SideTiles.h"

using namespace mlir;

namespace drawloom::attention {

Value MapList::add(const GpuBuilder &g, dgpu::TensorMapAttr map) {
  auto found = llvm::find(maps, map);
  int64_t index = found - maps.begin();
  if (found == maps.end()) maps.push_back(map);
  // The verifier looks for the function's list.
  g.k.kernel.function->setAttr(kTensorMapsAttr, attribute(g.b.getContext()));
  return dgpu::TensorMapOp::create(g.b, g.loc, LLVM::LLVMPointerType::get(g.b.getContext()), index);
}

ViewInKernel::Range SideTiles::meets(Value head, Value slice, Value first, Value last, Value other) const {
  const TileKernel &k = view.k;
  SmallVector<Value> atFirst{head, slice, first}, atLast{head, slice, last};
  ViewInKernel::Range range;
  range.from = k.max(k.maxOf(lower(), atFirst), k.index(0));
  range.to = k.min(k.minOf(upper(), atLast), other);
  range.wholeFrom = k.maxOf(lower(), atLast);
  range.wholeTo = k.min(k.minOf(upper(), atFirst), other);
  return range;
}

namespace {

/// The activation as the box's array: channels, positions, heads, batch.
dgpu::TensorMapAttr tensorMap(unsigned place, MemRefType memref, const BoxView &box, int64_t channels, int64_t panel, int64_t swizzle) {
  int64_t bytes = 2, n = memref.getDimSize(1);
  int64_t row = memref.getStridesAndOffset().first[1];
  SmallVector<int64_t> dims{channels}, strides, extents{panel};
  for (const BoxDim &d : box.dims) {
    dims.push_back(d.extent);
    strides.push_back(d.stride * row * bytes);
    extents.push_back(d.box);
  }
  dims.append({memref.getDimSize(2) / channels, memref.getDimSize(0)});
  strides.append({channels * bytes, n * row * bytes});
  extents.append({1, 1});
  return dgpu::TensorMapAttr::get(memref.getContext(), place, memref.getElementType(), dims, strides, extents, swizzle);
}

} // namespace

ActivationTiles::ActivationTiles(const GpuBuilder &g, const SideTiles &side, unsigned number, int64_t channels, MapList &maps)
    : type(g.tileType(side.tile, channels, cast<MemRefType>(g.k.kernel.memref(number).getType()).getElementType())), g(g), side(side),
      memref(g.k.kernel.memref(number)) {
  if (!side.box) return;
  bulkType = g.tileType(side.box->rows(), channels, type.getElementType(), side.tile);
  auto memrefType = cast<MemRefType>(memref.getType());
  map = maps.add(g, tensorMap(number, memrefType, *side.box, channels, type.panelColumns(), type.getSwizzle()));
}

/// Of the box's first element.
SmallVector<Value> ActivationTiles::coordinates(const TilePlace &at) const {
  SmallVector<Value> list{g.i32(0)};
  SmallVector<Value> place{at.head, at.slice, at.first};
  for (AffineExpr e : side.box->start.getResults()) list.push_back(g.toI32(g.k.apply(e, place)));
  list.append({g.toI32(at.head), g.toI32(at.batch)});
  return list;
}

void ActivationTiles::loadBulk(const TilePlace &at, Value offset, Value barrier) const {
  dgpu::TmaLoadOp::create(g.b, g.loc, g.tile(bulkType, offset), map, coordinates(at), barrier);
}

void ActivationTiles::storeBulk(const TilePlace &at, Value offset, int64_t pitch) const {
  auto source = g.tileType(bulkType.getRows(), bulkType.getColumns(), bulkType.getElementType(), pitch);
  dgpu::TmaStoreOp::create(g.b, g.loc, g.tile(source, offset), map, coordinates(at));
}

void ActivationTiles::gather(const TilePlace &at, Value offset) const {
  int64_t rowChunks = type.getColumns() / 8, chunks = type.getRows() * rowChunks;
  auto tile = g.tile(type, offset);
  Value channel = g.k.channel(at.head, type.getColumns());
  g.loop(g.threadInGroup(), g.i32(chunks), kGroupThreads, {}, [&](Value number, ValueRange) {
    Value row = g.div(number, rowChunks), chunk = g.rem(number, rowChunks);
    Value x = arith::AddIOp::create(g.b, g.loc, at.first, g.toIndex(row));
    Value position = g.k.apply(side.position(), {at.head, at.slice, x});
    Value column = g.k.apply(g.k.dim(0) + g.k.dim(1) * 8, {channel, g.toIndex(chunk)});
    dgpu::CopyAsyncOp::create(g.b, g.loc, memref, ValueRange{at.batch, position, column}, tile, row, chunk, g.k.less(x, at.extent));
    return SmallVector<Value>();
  });
}

Value chunkIndex(const GpuBuilder &g, dgpu::TileType type, Value row, Value chunk) {
  int64_t swizzle = type.getSwizzle(), panelChunks = swizzle / 16;
  Value panel = g.div(chunk, panelChunks), inPanel = g.rem(chunk, panelChunks);
  Value turned = g.bitXor(inPanel, g.rem(g.div(row, 128 / swizzle), panelChunks));
  Value index = g.add(g.mul(row, swizzle / 2), g.mul(turned, 8));
  return type.panels() == 1 ? index : g.add(index, g.mul(panel, type.panelBytes() / 2));
}

void RowCopy::copy(const TilePlace &place, Value offset, Value row, bool isOut) const {
  int64_t rowChunks = type.getColumns() / 8;
  constexpr int64_t kLanes = 8, kAlignment = 16;
  Value array = g.array(type.panels() * type.panelBytes() / 2, type.getElementType(), offset);
  Value channel = g.k.channel(place.head, type.getColumns());
  g.loop(g.threadInGroup(), g.i32(kGroupRows * rowChunks), kGroupThreads, {}, [&](Value number, ValueRange) {
    Value inTile = g.add(row, g.div(number, rowChunks)), chunk = g.rem(number, rowChunks);
    Value x = arith::AddIOp::create(g.b, g.loc, place.first, g.toIndex(inTile));
    g.when(g.k.less(x, place.extent), [&] {
      Value position = g.k.apply(side.position(), {place.head, place.slice, x});
      Value column = g.k.apply(g.k.dim(0) + g.k.dim(1) * kLanes, {channel, g.toIndex(chunk)});
      SmallVector<Value> global{place.batch, position, column}, shared{g.toIndex(chunkIndex(g, type, inTile, chunk))};
      if (isOut)
        g.store(g.load(array, shared, kLanes, kAlignment), memref, global, kAlignment);
      else
        g.store(g.load(memref, global, kLanes, kAlignment), array, shared, kAlignment);
    });
    return SmallVector<Value>();
  });
}

} // namespace drawloom::attention
