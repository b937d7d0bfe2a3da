#include "passes/attention/gpu/SideTiles.h"

using namespace mlir;

namespace drawloom::attention {

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
dgpu::TensorMapAttr tensorMap(unsigned place, MemRefType memref, const BoxView &box, int64_t channels,
                              int64_t panel, int64_t swizzle) {
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
  return dgpu::TensorMapAttr::get(memref.getContext(), place, memref.getElementType(), dims, strides, extents,
                                  swizzle);
}

} // namespace

ActivationTiles::ActivationTiles(const GpuBuilder &g, const SideTiles &side, unsigned number,
                                 int64_t channels, MapList &maps)
    : type(g.tileType(side.tile, channels,
                      cast<MemRefType>(g.k.kernel.memref(number).getType()).getElementType())),
      g(g), side(side), memref(g.k.kernel.memref(number)) {
  if (!side.box) return;
  bulkType = g.tileType(side.box->rows(), channels, type.getElementType(), side.tile);
  auto memrefType = cast<MemRefType>(memref.getType());
  map =
      maps.add(g, tensorMap(number, memrefType, *side.box, channels, type.panelColumns(), type.getSwizzle()));
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
  Value channel = side.view.k.channel(at.head, type.getColumns());
  g.loop(g.threadInGroup(), g.i32(chunks), kGroupThreads, {}, [&](Value number, ValueRange) {
    Value row = g.div(number, rowChunks), chunk = g.rem(number, rowChunks);
    Value x = arith::AddIOp::create(g.b, g.loc, at.first, g.toIndex(row));
    Value position = g.k.apply(side.position(), {at.head, at.slice, x});
    Value column = g.k.apply(g.k.dim(0) + g.k.dim(1) * 8, {channel, g.toIndex(chunk)});
    dgpu::CopyAsyncOp::create(g.b, g.loc, memref, ValueRange{at.batch, position, column}, tile, row, chunk,
                              g.k.less(x, at.extent));
    return SmallVector<Value>();
  });
}

namespace {
constexpr int64_t kLanes = 8, kAlignment = 16; ///< of a 16-byte piece
}

SmallVector<RowCopy::Chunk> RowCopy::chunks(Value row) const {
  int64_t rowChunks = type.getColumns() / kLanes;
  SmallVector<Chunk> list;
  for (int64_t first = 0; first < kGroupRows * rowChunks; first += kGroupThreads) {
    Value number = g.add(g.threadInGroup(), first);
    list.push_back({g.add(row, g.div(number, rowChunks)), g.rem(number, rowChunks)});
  }
  return list;
}

SmallVector<Value> RowCopy::indices(const TilePlace &place, Value x, const Chunk &chunk) const {
  Value position = g.k.apply(side.position(), {place.head, place.slice, x});
  Value channel =
      g.k.apply(g.k.dim(0) * type.getColumns() + g.k.dim(1) * kLanes, {place.head, g.toIndex(chunk.number)});
  return {place.batch, position, channel};
}

Value RowCopy::array(Value offset) const {
  return g.array(type.panels() * type.panelBytes() / 2, type.getElementType(), offset);
}

SmallVector<Value> RowCopy::fetch(const TilePlace &place, Value row) const {
  auto piece = g.vector({kLanes}, type.getElementType());
  SmallVector<Value> share;
  for (const Chunk &chunk : chunks(row)) {
    Value x = arith::AddIOp::create(g.b, g.loc, place.first, g.toIndex(chunk.row));
    auto read = [&] {
      return SmallVector<Value>{g.load(memref, indices(place, x, chunk), kLanes, kAlignment)};
    };
    auto none = [&] {
      return SmallVector<Value>{arith::ConstantOp::create(
          g.b, g.loc, DenseElementsAttr::get(piece, g.b.getFloatAttr(type.getElementType(), 0)))};
    };
    share.push_back(g.choose(g.k.less(x, place.extent), TypeRange(piece), read, none)[0]);
  }
  return share;
}

void RowCopy::put(ValueRange share, Value offset, Value row) const {
  for (auto [value, chunk] : llvm::zip(share, chunks(row)))
    g.store(value, array(offset), {g.toIndex(chunkIndex(g, type, chunk.row, chunk.number))}, kAlignment);
}

void RowCopy::toGlobal(const TilePlace &place, Value offset, Value row) const {
  for (const Chunk &chunk : chunks(row)) {
    Value x = arith::AddIOp::create(g.b, g.loc, place.first, g.toIndex(chunk.row));
    Value value =
        g.load(array(offset), {g.toIndex(chunkIndex(g, type, chunk.row, chunk.number))}, kLanes, kAlignment);
    g.when(g.k.less(x, place.extent), [&] { g.store(value, memref, indices(place, x, chunk), kAlignment); });
  }
}

} // namespace drawloom::attention
