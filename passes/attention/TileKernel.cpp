#include "passes/attention/TileKernel.h"
#include "passes/attention/LookAhead.h"
#include "passes/attention/SliceTensor.h"
#include <limits>

using namespace mlir;

namespace drawloom::attention {

Value TileKernel::scratch(MemRefType type) const {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&kernel.function.getBody().front());
  return memref::AllocaOp::create(b, loc, type, b.getI64IntegerAttr(64));
}

Value TileKernel::tile(ArrayRef<int64_t> shape) const {
  return scratch(MemRefType::get(shape, b.getF32Type()));
}

Value TileKernel::extentsFor(int64_t queries, int64_t group) const {
  return scratch(MemRefType::get({int64_t(llvm::divideCeil(queries, group)), 2}, b.getIndexType()));
}

Value TileKernel::sumsTile(int64_t queries, int64_t channels) const {
  return isForBlocks ? tile({channels, queries}) : tile({queries, channels});
}

void TileKernel::addToSums(Value sums, Value weights, Value right, Value extents, Value rescale) const {
  Product product{.transposeA = true, .accumulate = true, .rescale = rescale};
  if (isForBlocks)
    matmul(sums, right, weights, "inner-column", extents, product);
  else
    matmul(sums, weights, right, "inner-row", extents, product);
}

Value TileKernel::headAt(ArrayRef<int64_t> heads, Value position) const {
  int64_t step = heads.size() > 1 ? heads[1] - heads[0] : 1;
  bool isProgression = true;
  for (size_t i = 1; i < heads.size(); ++i) isProgression &= heads[i] - heads[i - 1] == step;
  if (isProgression) return apply(dim(0) * step + heads[0], position);
  Value head = index(heads[0]);
  for (size_t i = 1; i < heads.size(); ++i) {
    Value isHere = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, position, index(i));
    head = arith::SelectOp::create(b, loc, isHere, index(heads[i]), head);
  }
  return head;
}

void TileKernel::load(Value tile, Value source, Value outer, Value inner, AffineMap map, ValueRange at,
                      Value limit, Transfer transfer) const {
  TileLoadOp::create(b, loc, tile, source, outer, inner, at, limit, map, transfer.transpose,
                     APFloat(float(transfer.factor)));
}

void TileKernel::store(Value tile, Value target, Value outer, Value inner, AffineMap map, ValueRange at,
                       Value limit, const Written &written) const {
  TileStoreOp::create(b, loc, tile, target, outer, inner, at, limit, map, written.transpose,
                      written.accumulate, written.pastCaches, APFloat(float(written.factor)));
}

void TileKernel::fill(Value tile, double value) const {
  TileFillOp::create(b, loc, tile, APFloat(float(value)));
}

void TileKernel::matmul(Value c, Value a, Value bTile, StringRef pairs, Value extents,
                        Product product) const {
  TileMatmulOp::create(b, loc, c, a, bTile, product.rescale, extents, product.transposeA, product.accumulate,
                       b.getStringAttr(pairs));
}

Value TileKernel::channel(Value head, int64_t channels) const { return apply(dim(0) * channels, head); }

ViewInKernel::Range ViewInKernel::keySlots(const Rows &rows, int64_t tile) const {
  Value last = k.min(k.apply(k.dim(0) + (tile - 1), rows.row), k.apply(k.dim(0) - 1, rows.limit));
  SmallVector<Value> first{rows.head, rows.slice, rows.row}, final{rows.head, rows.slice, last};
  Range range;
  range.from = k.max(k.maxOf(view.keyLo, first), k.index(0));
  range.to = k.min(k.minOf(view.keyHi, final), keys(rows.head, rows.slice));
  bool hasWholeTiles = view.predicate.empty();
  range.wholeFrom = hasWholeTiles ? k.maxOf(view.keyLo, final) : range.to;
  range.wholeTo = hasWholeTiles ? k.minOf(view.keyHi, first) : range.from;
  return range;
}

ViewInKernel::Range ViewInKernel::queryRows(Value head, Value slice, Value slot, Value keys,
                                            int64_t tile) const {
  Value last = k.min(k.apply(k.dim(0) + (tile - 1), slot), k.apply(k.dim(0) - 1, keys));
  SmallVector<Value> first{head, slice, slot}, final{head, slice, last};
  Range range;
  range.from = k.max(k.maxOf(view.rowLo, first), k.index(0));
  range.to = k.min(k.minOf(view.rowHi, final), rows(head, slice));
  bool hasWholeTiles = view.predicate.empty();
  range.wholeFrom = hasWholeTiles ? k.maxOf(view.rowLo, final) : range.to;
  range.wholeTo = hasWholeTiles ? k.minOf(view.rowHi, first) : range.from;
  return range;
}

void ViewInKernel::findExtents(Value extents, const Rows &rows, Value slot, Value keys, const Range &range,
                               int64_t tileKeys, int64_t group) const {
  TileExtentsOp::create(k.b, k.loc, extents, rows.head, rows.slice, rows.row, slot, rows.limit, keys,
                        range.wholeFrom, range.wholeTo, attr, tileKeys, group);
}

void ViewInKernel::mask(Value scores, Value extents, const Rows &rows, Value slot, Value keys) const {
  TileMaskOp::create(k.b, k.loc, scores, extents, rows.head, rows.slice, rows.row, slot, rows.limit, keys,
                     attr, n);
}

std::pair<Value, Value> ViewInKernel::after(Value slice, Value position) const {
  int64_t heads = int64_t(view.heads.size());
  Value next = k.apply((k.dim(0) + 1) % heads, position);
  return {k.headAt(view.heads, next), k.apply(k.dim(0) + (k.dim(1) + 1).floorDiv(heads), {slice, position})};
}

ForwardTile::ForwardTile(const TileKernel &k, const Shape &shape, TileSizes sizes, std::optional<Slice> slice)
    : k(k), shape(shape), sizes(sizes), slice(slice) {
  queries = k.tile({shape.dQk, sizes.queries});
  acc = k.sumsTile(sizes.queries, shape.dV);
  m = k.tile({sizes.queries});
  l = k.tile({sizes.queries});
  rescale = k.tile({sizes.queries});
  scores = k.tile({sizes.keys, sizes.queries});
  if (!slice) {
    keyTile = k.tile({sizes.keys, shape.dQk});
    valueTile = k.tile({sizes.keys, shape.dV});
  }
  extents = k.extentsFor(sizes.queries);
  sumExtents = k.isForBlocks ? extents : k.extentsFor(sizes.queries, kFineExtentQueries);
}

void ForwardTile::start() const {
  k.fill(m, -std::numeric_limits<double>::infinity());
  k.fill(l, 1.0);
  k.fill(acc, 0.0);
}

void ForwardTile::meetKeys(const ViewInKernel &view, const Rows &rows, const Memory &memory,
                           LookAhead *ahead) const {
  ViewInKernel::Range range = view.keySlots(rows, sizes.queries);
  Value extent = view.keys(rows.head, rows.slice);
  Value keyChannel = k.channel(rows.head, shape.dQk), valueChannel = k.channel(rows.head, shape.dV);
  k.loop(range.from, range.to, sizes.keys, [&](Value slot) {
    SmallVector<Value> at{rows.head, rows.slice, slot};
    if (ahead) ahead->step();
    Value keyTile = slice ? slice->keys.tile(slot) : this->keyTile;
    Value valueTile = slice ? slice->values.tile(slot) : this->valueTile;
    if (!slice) k.load(keyTile, memory.keys, rows.batch, keyChannel, view.view.key, at, range.to);
    view.findExtents(extents, rows, slot, extent, range, sizes.keys);
    if (ahead) ahead->askForSlots(memory.keys, shape.dQk), ahead->askForRows(memory.queries, shape.dQk);
    k.matmul(scores, keyTile, queries, "row-column", extents, {});
    view.mask(scores, extents, rows, slot, extent);
    TileSoftmaxStepOp::create(k.b, k.loc, scores, m, l, rescale, extents);
    if (!slice) k.load(valueTile, memory.values, rows.batch, valueChannel, view.view.key, at, range.to);
    if (!k.isForBlocks)
      view.findExtents(sumExtents, rows, slot, extent, range, sizes.keys, kFineExtentQueries);
    if (ahead) ahead->askForSlots(memory.values, shape.dV);
    k.addToSums(acc, scores, valueTile, sumExtents, rescale);
  });
}

void ForwardTile::finish() const {
  TileSoftmaxFinishOp::create(k.b, k.loc, acc, m, l, /*by_row=*/!k.isForBlocks);
}

} // namespace drawloom::attention
