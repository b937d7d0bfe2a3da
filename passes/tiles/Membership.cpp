#include "passes/tiles/Membership.h"
#include <limits>

using namespace mlir;

namespace drawloom::tiles {

static int64_t lanesOf(Value vector) { return cast<VectorType>(vector.getType()).getNumElements(); }

Membership::Membership(TileMaskOp op, const Emitter &e)
    : op(op), view(op.getView()), e(e), head(op.getHead()), slice(op.getSlice()) {
  element = fitsInt32() ? e.b.getI32Type() : e.b.getI64Type();
}

/// Coordinates are below `positions` (plus a tile).
bool Membership::fitsInt32() const {
  constexpr int64_t kTileSlack = 1 << 12;
  constexpr int64_t limit = std::numeric_limits<int32_t>::max();
  int64_t bound = std::min<uint64_t>(op.getPositions(), limit) + kTileSlack;
  auto fits = [&](AffineExpr expr) { return magnitude(expr, bound) <= limit; };
  auto all = [&](AffineMap map) { return llvm::all_of(map.getResults(), fits); };
  return bound <= limit && all(view.getKeyLo()) && all(view.getKeyHi()) && all(view.getQuery()) &&
         all(view.getKey()) && llvm::all_of(view.getPredicate(), [&](IntegerSet set) {
           return llvm::all_of(set.getConstraints(), fits);
         });
}

MaskRows Membership::rowsAt(Value offsets) const {
  MaskRows rows;
  int64_t lanes = lanesOf(offsets);
  rows.row = arith::AddIOp::create(e.b, e.loc, vectorOf(op.getRow(), lanes), offsets);
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

Value Membership::contains(const MaskRows &rows, Value slot) const {
  int64_t lanes = lanesOf(rows.row);
  Value t = vectorOf(slot, lanes);
  Value within = both(arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::sge, t, rows.lo),
                      arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::slt, t, rows.hi));
  return view.getPredicate().empty() ? within : both(within, predicateHolds(rows, slot, lanes));
}

Value Membership::predicateHolds(const MaskRows &rows, Value slot, int64_t lanes) const {
  Value key = evaluate(e, view.getKey().getResult(0), {head, slice, slot});
  SmallVector<Value> dims{head, rows.query, key};
  Value zero = vectorOf(e.index(0), lanes), any;
  for (IntegerSet set : view.getPredicate()) {
    Value all;
    for (auto [expr, isEqual] : llvm::zip(set.getConstraints(), set.getEqFlags())) {
      auto predicate = isEqual ? arith::CmpIPredicate::eq : arith::CmpIPredicate::sge;
      Value holds =
          arith::CmpIOp::create(e.b, e.loc, predicate, vectorOf(evaluate(e, expr, dims), lanes), zero);
      all = all ? both(all, holds) : holds;
    }
    if (!all) // no constraint: every pair
      all = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq, zero, zero);
    any = any ? arith::OrIOp::create(e.b, e.loc, any, all).getResult() : all;
  }
  return any;
}

} // namespace drawloom::tiles
