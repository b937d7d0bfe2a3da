// tile.extents and tile.mask: which pairs of a score tile belong to a view, by its bounds for groups of queries, and exactly for a
// vector of queries at a time.
#include "passes/tiles/AffineVectors.h"
#include "passes/tiles/Emitter.h"
#include <limits>

using namespace mlir;

namespace drawloom::tiles {
namespace {

/// The rows of one vector of queries: which exist, and which slots each attends to.
struct Rows {
  Value row, lo, hi, query;
};

class MaskEmitter {
public:
  MaskEmitter(TileMaskOp op, const Emitter &e)
      : op(op), view(op.getView()), e(e), head(op.getHead()), slice(op.getSlice()) {
    element = fitsInt32() ? e.b.getI32Type() : e.b.getI64Type();
  }

  void emit() const {
    auto [keys, queries] = std::pair(shapeOf(op.getScores())[0], shapeOf(op.getScores())[1]);
    for (auto [offset, lanes] : segmentsOf(queries, std::min(e.width, kExtentQueries))) {
      Range range = e.keysOf(op.getExtents(), offset / kExtentQueries, keys);
      Rows rows = rowsAt(offset, lanes);
      Value x = e.index(offset), none = e.constant(-std::numeric_limits<double>::infinity(), lanes);
      e.loop(range.from, range.to, 1, [&, lanes = lanes](Value y) {
        Value slot = e.add(op.getSlot(), y);
        Value belongs = isWithin(rows, slot, lanes);
        if (!view.getPredicate().empty())
          belongs = both(belongs, predicateHolds(rows, slot, lanes));
        Value score = e.load(op.getScores(), {y, x}, lanes);
        e.store(arith::SelectOp::create(e.b, e.loc, belongs, score, none), op.getScores(), {y, x});
      });
    }
  }

private:
  /// Whether no value of the view's expressions can leave 32 bits: coordinates are below `positions` (plus a tile).
  bool fitsInt32() const {
    constexpr int64_t kTileSlack = 1 << 12;
    constexpr int64_t limit = std::numeric_limits<int32_t>::max();
    int64_t bound = std::min<uint64_t>(op.getPositions(), limit) + kTileSlack;
    auto fits = [&](AffineExpr expr) { return magnitude(expr, bound) <= limit; };
    auto all = [&](AffineMap map) { return llvm::all_of(map.getResults(), fits); };
    return bound <= limit && all(view.getKeyLo()) && all(view.getKeyHi()) && all(view.getQuery()) && all(view.getKey()) &&
           llvm::all_of(view.getPredicate(), [&](IntegerSet set) { return llvm::all_of(set.getConstraints(), fits); });
  }

  Value both(Value x, Value y) const { return arith::AndIOp::create(e.b, e.loc, x, y); }

  Value vectorOf(Value index, int64_t lanes) const { return toVector(e, index, element, lanes); }

  Rows rowsAt(int64_t offset, int64_t lanes) const {
    Rows rows;
    auto type = VectorType::get({lanes}, element);
    SmallVector<Attribute> iota;
    for (int64_t i = 0; i < lanes; ++i)
      iota.push_back(IntegerAttr::get(element, offset + i));
    Value lane = arith::ConstantOp::create(e.b, e.loc, DenseElementsAttr::get(type, iota));
    rows.row = arith::AddIOp::create(e.b, e.loc, vectorOf(op.getRow(), lanes), lane);
    SmallVector<Value> dims{head, slice, rows.row};
    Value zero = vectorOf(e.index(0), lanes);
    rows.lo = zero;
    for (AffineExpr expr : view.getKeyLo().getResults())
      rows.lo = arith::MaxSIOp::create(e.b, e.loc, rows.lo, vectorOf(evaluate(e, expr, dims), lanes));
    rows.hi = vectorOf(op.getKeys(), lanes);
    for (AffineExpr expr : view.getKeyHi().getResults())
      rows.hi = arith::MinSIOp::create(e.b, e.loc, rows.hi, vectorOf(evaluate(e, expr, dims), lanes));
    Value exists =
        arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::slt, rows.row, vectorOf(op.getRows(), lanes));
    rows.hi = arith::SelectOp::create(e.b, e.loc, exists, rows.hi, zero);
    if (!view.getPredicate().empty())
      rows.query = vectorOf(evaluate(e, view.getQuery().getResult(0), dims), lanes);
    return rows;
  }

  Value isWithin(const Rows &rows, Value slot, int64_t lanes) const {
    Value t = vectorOf(slot, lanes);
    return both(arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::sge, t, rows.lo),
                arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::slt, t, rows.hi));
  }

  Value predicateHolds(const Rows &rows, Value slot, int64_t lanes) const {
    Value key = evaluate(e, view.getKey().getResult(0), {head, slice, slot});
    SmallVector<Value> dims{head, rows.query, key};
    Value zero = vectorOf(e.index(0), lanes), any;
    for (IntegerSet set : view.getPredicate()) {
      Value all;
      for (auto [expr, isEqual] : llvm::zip(set.getConstraints(), set.getEqFlags())) {
        auto predicate = isEqual ? arith::CmpIPredicate::eq : arith::CmpIPredicate::sge;
        Value holds = arith::CmpIOp::create(e.b, e.loc, predicate, vectorOf(evaluate(e, expr, dims), lanes), zero);
        all = all ? both(all, holds) : holds;
      }
      if (!all) // no constraint: every pair
        all = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq, zero, zero);
      any = any ? arith::OrIOp::create(e.b, e.loc, any, all).getResult() : all;
    }
    return any;
  }

  mutable TileMaskOp op; // accessors of ops are not const
  ViewAttr view;
  const Emitter &e;
  Value head, slice;
  Type element;
};

} // namespace

void lower(TileMaskOp op, const Emitter &e) { MaskEmitter(op, e).emit(); }

void lower(TileExtentsOp op, const Emitter &e) {
  ViewAttr view = op.getView();
  int64_t groups = shapeOf(op.getExtents())[0];
  AffineExpr d = e.b.getAffineDimExpr(0);
  auto apply = [&](AffineExpr expr, Value x) -> Value {
    return affine::AffineApplyOp::create(e.b, e.loc, AffineMap::get(1, 0, expr), x);
  };
  Value zero = e.index(0), tileKeys = e.index(op.getTileKeys());
  auto relative = [&](Value slot) -> Value { return arith::SubIOp::create(e.b, e.loc, slot, op.getSlot()); };
  auto within = [&](Value slot) -> Value { return arith::MaxSIOp::create(e.b, e.loc, e.min(slot, tileKeys), zero); };
  for (int64_t group = 0; group < groups; ++group) {
    Value first = e.add(op.getRow(), group * kExtentQueries);
    Value last = e.min(e.add(first, kExtentQueries - 1), apply(d - 1, op.getRows()));
    Value lo = affine::AffineMaxOp::create(e.b, e.loc, view.getKeyLo(), ValueRange{op.getHead(), op.getSlice(), first});
    Value hi = affine::AffineMinOp::create(e.b, e.loc, view.getKeyHi(), ValueRange{op.getHead(), op.getSlice(), last});
    Value from = apply(d.floorDiv(kExtentKeys) * kExtentKeys, within(relative(lo)));
    Value to = apply(d.ceilDiv(kExtentKeys) * kExtentKeys, within(relative(e.min(hi, op.getKeys()))));
    Value exists = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::slt, first, op.getRows());
    to = arith::SelectOp::create(e.b, e.loc, exists, to, zero);
    memref::StoreOp::create(e.b, e.loc, from, op.getExtents(), ValueRange{e.index(group), zero});
    memref::StoreOp::create(e.b, e.loc, to, op.getExtents(), ValueRange{e.index(group), e.index(1)});
  }
}

} // namespace drawloom::tiles
