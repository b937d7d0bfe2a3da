// tile.extents and tile.mask: which pairs of a score tile belong to a view, by its bounds for groups of
// queries, and exactly for a vector of queries at a time.
#include "passes/tiles/Membership.h"
#include <limits>

using namespace mlir;

namespace drawloom::tiles {

/// A constant vector offset, offset + 1, ...
static Value iota(const Emitter &e, Type element, int64_t offset, int64_t lanes) {
  SmallVector<Attribute> values;
  for (int64_t i = 0; i < lanes; ++i) values.push_back(IntegerAttr::get(element, offset + i));
  return arith::ConstantOp::create(e.b, e.loc,
                                   DenseElementsAttr::get(VectorType::get({lanes}, element), values));
}

void lower(TileMaskOp op, const Emitter &e) {
  Membership view(op, e);
  auto [keys, queries] = std::pair(shapeOf(op.getScores())[0], shapeOf(op.getScores())[1]);
  for (auto [offset, lanes] : segmentsOf(queries, std::min(e.width, kExtentQueries))) {
    Range range = e.keysOf(op.getExtents(), offset / kExtentQueries, keys);
    MaskRows rows = view.rowsAt(iota(e, view.elementType(), offset, lanes));
    Value x = e.index(offset), none = e.constant(-std::numeric_limits<double>::infinity(), lanes);
    e.loop(range.from, range.to, 1, [&, lanes = lanes](Value y) {
      Value belongs = view.contains(rows, e.add(op.getSlot(), y));
      Value score = e.load(op.getScores(), {y, x}, lanes);
      e.store(arith::SelectOp::create(e.b, e.loc, belongs, score, none), op.getScores(), {y, x});
    });
  }
}

GroupExtents extentsOf(TileExtentsOp op, Value firstQuery, const Emitter &e) {
  ViewAttr view = op.getView();
  AffineExpr d = e.b.getAffineDimExpr(0);
  auto apply = [&](AffineExpr expr, Value x) -> Value {
    return affine::AffineApplyOp::create(e.b, e.loc, AffineMap::get(1, 0, expr), x);
  };
  Value zero = e.index(0), tileKeys = e.index(op.getTileKeys());
  auto relative = [&](Value slot) -> Value { return arith::SubIOp::create(e.b, e.loc, slot, op.getSlot()); };
  auto within = [&](Value slot) -> Value {
    return arith::MaxSIOp::create(e.b, e.loc, e.min(slot, tileKeys), zero);
  };
  Value first = getConstantIntValue(firstQuery) ? e.add(op.getRow(), *getConstantIntValue(firstQuery))
                                                : e.add(op.getRow(), firstQuery);
  Value last = e.min(e.add(first, int64_t(op.getGroup()) - 1), apply(d - 1, op.getRows()));
  Value lo = affine::AffineMaxOp::create(e.b, e.loc, view.getKeyLo(),
                                         ValueRange{op.getHead(), op.getSlice(), first});
  Value hi =
      affine::AffineMinOp::create(e.b, e.loc, view.getKeyHi(), ValueRange{op.getHead(), op.getSlice(), last});
  Value from = apply(d.floorDiv(kExtentKeys) * kExtentKeys, within(relative(lo)));
  Value to = apply(d.ceilDiv(kExtentKeys) * kExtentKeys, within(relative(e.min(hi, op.getKeys()))));
  Value exists = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::slt, first, op.getRows());
  return {from, arith::SelectOp::create(e.b, e.loc, exists, to, zero)};
}

void lower(TileExtentsOp op, const Emitter &e) {
  for (int64_t group = 0; group < shapeOf(op.getExtents())[0]; ++group) {
    auto [from, to] = extentsOf(op, e.index(group * int64_t(op.getGroup())), e);
    memref::StoreOp::create(e.b, e.loc, from, op.getExtents(), ValueRange{e.index(group), e.index(0)});
    memref::StoreOp::create(e.b, e.loc, to, op.getExtents(), ValueRange{e.index(group), e.index(1)});
  }
}

} // namespace drawloom::tiles
