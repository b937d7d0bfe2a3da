#include "passes/attention/gpu/RowStatistics.h"

using namespace mlir;

namespace drawloom::attention {

Value RowStatistics::laneRow() const { return source == DeltaSource::Given ? g.lane() : dots.row(); }

Value RowStatistics::keeps() const {
  return source == DeltaSource::Given ? g.less(g.lane(), g.i32(dots.rows)) : dots.keeps();
}

Value RowStatistics::numberOf(const TilePlace &place, Value first, Value row) const {
  return arith::AddIOp::create(g.b, g.loc, place.first, g.toIndex(g.add(first, row)));
}

/// Some position, where there is no such row.
Value RowStatistics::positionOf(const TilePlace &place, Value number) const {
  const rows::IndexBuilder &k = g.k;
  Value position = k.apply(side.position(), {place.head, place.slice, number});
  return k.max(k.min(position, k.index(side.view.n - 1)), k.index(0));
}

RowStatistics::Asked RowStatistics::ask(const TilePlace &place, Value first) const {
  Asked asked{place, first, {}, {}, {}};
  Value position = positionOf(place, numberOf(place, first, laneRow()));
  asked.lse = math.lseAt(place.batch, place.head, position);
  if (source == DeltaSource::Given)
    asked.delta = math.deltaAt(place.batch, place.head, position);
  else if (asksForOuts)
    asked.outs = dots.read(g.k.kernel.memref(kDelta), place.batch, place.head, 0, dots.turns(),
                           [&](Value row) { return positionOf(place, numberOf(place, first, row)); });
  return asked;
}

/// The lane's pieces of a tile in shared memory.
SmallVector<Value> RowStatistics::piecesOf(const Asked &asked, dgpu::TileType type, Value offset) const {
  Value array = g.array(type.panels() * type.panelBytes() / 2, type.getElementType(), offset);
  SmallVector<Value> pieces;
  for (int64_t turn = 0; turn < dots.turns(); ++turn) {
    Value index = chunkIndex(g, type, g.add(asked.first, dots.rowIn(turn)), dots.piece());
    pieces.push_back(g.load(array, {g.toIndex(index)}, RowDots::kPiece, 16));
  }
  return pieces;
}

void RowStatistics::bring(const Asked &asked, dgpu::TileType type, Value gradientAt, Value outAt, Value lseAt,
                          Value deltaAt) const {
  const TilePlace &place = asked.place;
  Value delta = asked.delta;
  if (source != DeltaSource::Given)
    delta =
        dots.sums(piecesOf(asked, type, gradientAt), asksForOuts ? asked.outs : piecesOf(asked, type, outAt));
  Value number = numberOf(place, asked.first, laneRow()), exists = g.k.less(number, place.extent),
        zero = arith::ConstantOp::create(g.b, g.loc, g.b.getF32FloatAttr(0));
  g.when(keeps(), [&] {
    Value at = g.toIndex(g.add(asked.first, laneRow()));
    for (auto [value, array] : {std::pair(asked.lse, lseAt), {delta, deltaAt}})
      memref::StoreOp::create(g.b, g.loc, g.select(exists, value, zero),
                              g.array(side.tile, g.b.getF32Type(), array), at);
    if (source != DeltaSource::MadeAndKept) return;
    g.when(exists, [&] {
      Value position = g.k.apply(side.position(), {place.head, place.slice, number});
      memref::StoreOp::create(g.b, g.loc, delta, g.k.kernel.memref(kKeptDelta),
                              ValueRange{place.batch, place.head, position});
    });
  });
}

} // namespace drawloom::attention
