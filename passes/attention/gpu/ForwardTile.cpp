// What becomes of a key tile's scores in the forward kernel: the mask, and the online softmax.
#include "passes/attention/gpu/ForwardKernel.h"
#include <limits>

using namespace mlir;

namespace drawloom::attention {

/// Scores with -inf where a row does not meet a slot.
Value ForwardKernel::masked(Value scores, const Place &place) const {
  const auto &[rows, stream, met, tile, slot] = place;
  auto type = cast<VectorType>(scores.getType());
  if (spec.shape.scale < 0) scores = arith::NegFOp::create(g.b, g.loc, scores);
  if (spec.shape.scale == 0) scores = g.splat(type, 0);
  // A lower bound that is 0 for all rows masks nothing.
  bool hasLow = llvm::any_of(stream.rows.lower().getResults(), [](AffineExpr e) {
    auto constant = dyn_cast<AffineConstantExpr>(e);
    return !constant || constant.getValue() > 0;
  });
  Value start = g.mul(tile, cut.columns);
  Value isWhole = g.compare(arith::CmpIPredicate::sle, g.add(start, cut.columns), met.wholeTo);
  if (hasLow) isWhole = g.both(isWhole, g.compare(arith::CmpIPredicate::sle, met.wholeFrom, start));
  auto select = [&] {
    SmallVector<int32_t> columns; // of the first lane of four
    for (int32_t j = 0; j < type.getDimSize(0); ++j)
      for (int32_t offset : {0, 1, 0, 1}) columns.push_back(8 * j + offset);
    auto integers = g.vector(type.getShape(), g.b.getI32Type());
    Value column =
        arith::ConstantOp::create(g.b, g.loc, DenseElementsAttr::get(integers, ArrayRef<int32_t>(columns)));
    Value mine = vector::BroadcastOp::create(g.b, g.loc, met.low.getType(),
                                             g.add(start, g.mul(g.rem(g.thread, 4), 2)));
    Value inside = g.compare(arith::CmpIPredicate::slt, column, g.spread(g.sub(met.high, mine), integers));
    if (hasLow)
      inside = g.both(inside,
                      g.compare(arith::CmpIPredicate::sge, column, g.spread(g.sub(met.low, mine), integers)));
    return SmallVector<Value>{
        g.select(inside, scores, g.splat(type, -std::numeric_limits<double>::infinity()))};
  };
  return g.choose(isWhole, TypeRange(type), [&] { return SmallVector<Value>{scores}; }, select)[0];
}

/// Goes on with the softmax and gives the keys back.
///
/// Comparing every score and multiplying the outputs for every tile is a third of a tile's instructions,
/// where a tile with much greater scores than all before it is rare: so the tile first counts from the
/// greatest scores of before. A warp that finds sums too great makes the scores once more, since nobody has
/// room for them beside probabilities, and counts from theirs.
ForwardKernel::Tile ForwardKernel::meetTile(const Place &place, Value scores, const SoftmaxState &before,
                                            bool expectsNoGreater) const {
  scores = masked(scores, place);
  if (!expectsNoGreater) {
    keyRing->release(g, place.slot);
    FragmentSoftmax::Step step = softmax.meet(scores, before);
    return {pack(step.probabilities), step.state, step.rescale, Value()};
  }
  auto flag = [&](bool x) { return arith::ConstantOp::create(g.b, g.loc, g.b.getBoolAttr(x)).getResult(); };
  Value no = flag(false), yes = flag(true);
  SmallVector<Value> inits{scores, before.greatest[0], before.greatest[1], no};
  SmallVector<Type> results{packedType(cut.columns)};
  results.append(4, g.b.getF32Type());
  results.push_back(no.getType());
  auto loop = scf::WhileOp::create(
      g.b, g.loc, results, inits,
      [&](OpBuilder &, Location, ValueRange now) {
        RowPair greatest{now[1], now[2]};
        FragmentSoftmax::Added tile = softmax.added(now[0], greatest);
        Value isTooGreat = softmax.isTooGreat(tile, greatest, outType.getElementType());
        Value isFirst = arith::CmpIOp::create(g.b, g.loc, arith::CmpIPredicate::eq, now[3], no);
        scf::ConditionOp::create(g.b, g.loc, g.both(isTooGreat, isFirst),
                                 ValueRange{pack(tile.probabilities), greatest[0], greatest[1], tile.sums[0],
                                            tile.sums[1], now[3]});
      },
      [&](OpBuilder &, Location, ValueRange) {
        Value again = masked(scoresOfWarp(place.rows, place.slot), place);
        RowPair greatest = softmax.greatestWith(again, before.greatest);
        scf::YieldOp::create(g.b, g.loc, ValueRange{again, greatest[0], greatest[1], yes});
      });
  keyRing->release(g, place.slot);
  Tile tile{loop.getResult(0), {{loop.getResult(1), loop.getResult(2)}, {}}, {}, loop.getResult(5)};
  tile.rescale = softmax.rescaling(before.greatest, tile.state.greatest);
  for (int r : {0, 1}) {
    tile.rescale[r] = g.select(tile.isRescaled, tile.rescale[r], softmax.constant(1));
    tile.state.sum[r] = g.fma(before.sum[r], tile.rescale[r], loop.getResult(3 + r));
  }
  return tile;
}

/// Outputs before a tile as multiples of what the tile counts from.
Value ForwardKernel::rescaled(Value out, const Tile &tile) const {
  auto scaled = [&] { return SmallVector<Value>{softmax.scaleRows(out, tile.rescale)}; };
  if (!tile.isRescaled) return scaled()[0];
  return g.choose(tile.isRescaled, out.getType(), scaled, [&] { return SmallVector<Value>{out}; })[0];
}

} // namespace drawloom::attention
