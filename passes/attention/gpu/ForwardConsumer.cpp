// What the consuming warp groups of the forward kernel do with a query tile: products of scores and of
// outputs, from key tile to key tile.
#include "passes/attention/gpu/ForwardKernel.h"

using namespace mlir;

namespace drawloom::attention {

Value ForwardKernel::pack(Value fragment) const {
  auto type = cast<VectorType>(fragment.getType());
  return arith::TruncFOp::create(g.b, g.loc, g.vector(type.getShape(), outType.getElementType()), fragment);
}

VectorType ForwardKernel::packedType(int64_t columns) const {
  return g.vector({columns / 8, 2, 2}, outType.getElementType());
}

/// Products and bulk copies of sm_90a see shared memory apart from the threads.
void ForwardKernel::fenceAsync() const {
  if (spec.isHopper) dgpu::FenceAsyncSharedOp::create(g.b, g.loc);
}

Value ForwardKernel::wait(Value value, int64_t pending) const {
  if (!spec.isHopper) return value;
  return dgpu::WgmmaWaitOp::create(g.b, g.loc, value, pending).getResult(0);
}

/// A barrier of the thread's warp group; each group has its own.
void ForwardKernel::groupBarrier() const {
  for (int64_t group = 0; group < cut.groups; ++group) {
    auto sync = [&] { dgpu::NamedBarrierOp::create(g.b, g.loc, group + 1, kGroupThreads, false); };
    if (cut.groups == 1)
      sync();
    else
      g.when(g.equal(g.group, group), sync);
  }
}

void ForwardKernel::consume() const {
  forEachItem([&](const Item &item, Value count, Value step) { consumeItem(item, count, step); });
}

void ForwardKernel::consumeItem(const Item &item, Value count, Value step) const {
  Ring::Slot slot = queryRing->slot(g, count);
  Rows rows = rowsOf(item);
  queryRing->waitFull(g, slot);
  rows.queries = g.groupRows(g.tile(queryTiles.type, at(queriesAt, queryTiles, slot)), groupRow());
  if (cut.queriesInRegisters) rows.queries = loadQueries(rows.queries);
  Sums sums{g.splat(g.accumulator(spec.shape.dV), 0), softmax.nothing()};
  for (auto [stream, span] : llvm::zip_equal(streams, item.spans)) {
    Met met = metBy(item, rows, stream, span);
    skip(span.from, met.from, span, step);
    sums = meetTiles(rows, stream, span, met, step, sums);
    skip(met.to, span.to, span, step);
  }
  finish(item, rows, slot, sums);
}

Value ForwardKernel::loadQueries(Value tile) const {
  return dgpu::LoadFragmentOp::create(g.b, g.loc, packedType(spec.shape.dQk),
                                      cast<TypedValue<dgpu::TileType>>(tile));
}

Value ForwardKernel::rowAfter(const Item &item, Value row) const {
  return small(arith::AddIOp::create(g.b, g.loc, item.queries.first, g.toIndex(row)));
}

/// The thread's two rows of its group's 64 are 16 warp + lane / 4, and 8 further on.
ForwardKernel::Rows ForwardKernel::rowsOf(const Item &item) const {
  const TilePlace &own = item.queries;
  Rows rows;
  Value inGroup = g.add(g.mul(g.div(g.threadInGroup(), kWarpThreads), 16), g.div(g.lane(), 4));
  for (int r : {0, 1}) {
    Value x = rowAfter(item, g.add(g.add(groupRow(), inGroup), 8 * r));
    rows.exists[r] = k.less(x, own.extent);
    // Rows that do not exist take the last one's place; what comes out of them is not stored.
    rows.row[r] = small(k.min(x, k.apply(k.dim(0) - 1, own.extent)));
    rows.position[r] = k.apply(querySide.position(), {own.head, own.slice, rows.row[r]});
    if (spec.continues)
      rows.lse[r] = memref::LoadOp::create(g.b, g.loc, k.kernel.memref(kLse),
                                           ValueRange{own.batch, own.head, rows.position[r]});
  }
  return rows;
}

ForwardKernel::Met ForwardKernel::metBy(const Item &item, const Rows &rows, const Stream &stream,
                                        const Span &span) const {
  const TilePlace &own = item.queries;
  Met met;
  SmallVector<Value> low, high;
  for (Value x : rows.row) {
    ViewInKernel::Range range = stream.rows.meets(own.head, own.slice, x, x, span.keys);
    low.push_back(g.toI32(range.from)), high.push_back(g.toI32(range.to));
  }
  auto pairType = g.vector({2, 1}, g.b.getI32Type());
  met.low = vector::FromElementsOp::create(g.b, g.loc, pairType, low);
  met.high = vector::FromElementsOp::create(g.b, g.loc, pairType, high);

  Value first = rowAfter(item, groupRow()),
        last = k.min(k.apply(k.dim(0) + (kGroupRows - 1), first), k.apply(k.dim(0) - 1, own.extent));
  ViewInKernel::Range range = stream.rows.meets(own.head, own.slice, first, last, span.keys);
  met.wholeFrom = g.toI32(range.wholeFrom), met.wholeTo = g.toI32(range.wholeTo);
  Value meets = g.both(k.less(first, own.extent), k.less(range.from, range.to));
  auto tileOf = [&](AffineExpr e, Value x) { return g.toI32(k.apply(e, x)); };
  met.from = g.select(meets, tileOf(k.dim(0).floorDiv(cut.columns), range.from), span.from);
  met.to = g.select(meets, tileOf(k.dim(0).ceilDiv(cut.columns), range.to), span.from);
  return met;
}

/// Tiles that other groups of the block meet: this one only says that it is done with them.
void ForwardKernel::skip(Value from, Value to, const Span &span, Value step) const {
  if (cut.groups == 1) return;
  g.loop(from, to, 1, {}, [&](Value tile, ValueRange) {
    Ring::Slot slot = slotOf(span, step, tile);
    for (const Ring *ring : {&*keyRing, &*valueRing}) {
      ring->waitFull(g, slot);
      ring->release(g, slot);
    }
    return SmallVector<Value>();
  });
}

TypedValue<dgpu::TileType> ForwardKernel::keysIn(const Ring::Slot &slot) const {
  return g.tile(keyTiles().type, at(keysAt, keyTiles(), slot));
}

Value ForwardKernel::startScores(const Rows &rows, const Ring::Slot &slot) const {
  keyRing->waitFull(g, slot);
  if (!spec.isHopper) return scoresOfWarp(rows, slot);
  return dgpu::WgmmaOp::create(g.b, g.loc, g.accumulator(cut.columns), rows.queries, keysIn(slot), Value(),
                               /*transpose_a=*/false, /*transpose_b=*/true);
}

/// Scores by products of single warps, which one warp can make while the others of its group go on.
Value ForwardKernel::scoresOfWarp(const Rows &rows, const Ring::Slot &slot) const {
  Value queries = cut.queriesInRegisters ? rows.queries : loadQueries(rows.queries);
  return dgpu::MmaSyncOp::create(g.b, g.loc, g.accumulator(cut.columns), queries, keysIn(slot), Value(),
                                 /*transpose_b=*/true);
}

Value ForwardKernel::startOutputs(Value probabilities, const Ring::Slot &slot, Value out) const {
  valueRing->waitFull(g, slot);
  auto values = g.tile(valueTiles().type, at(valuesAt, valueTiles(), slot));
  auto type = g.accumulator(spec.shape.dV);
  if (!spec.isHopper) return dgpu::MmaSyncOp::create(g.b, g.loc, type, probabilities, values, out, false);
  return dgpu::WgmmaOp::create(g.b, g.loc, type, probabilities, values, out, false, false);
}

/// Goes on with the softmax over the group's tiles of a stream. While the scores of a tile are computed, so
/// is the output of the tile before.
ForwardKernel::Sums ForwardKernel::meetTiles(const Rows &rows, const Stream &stream, const Span &span,
                                             const Met &met, Value step, const Sums &start) const {
  auto unpack = [](ValueRange v) { return Sums{v[0], {{v[1], v[2]}, {v[3], v[4]}}}; };
  auto list = [](const Sums &s) {
    return SmallVector<Value>{s.out, s.state.greatest[0], s.state.greatest[1], s.state.sum[0],
                              s.state.sum[1]};
  };
  auto placeOf = [&](Value tile) { return Place{rows, stream, met, tile, slotOf(span, step, tile)}; };
  bool isFirst = &stream == &streams.front(), isOneTile = spec.keys <= cut.columns;
  auto meet = [&]() -> SmallVector<Value> {
    Place place = placeOf(met.from);
    Value scores = wait(startScores(rows, place.slot), 0);
    Tile first = meetTile(place, scores, start.state, cut.expectsNoGreater && !isFirst);
    Value probabilities = first.probabilities, last = met.from;
    Sums sums{isFirst ? start.out : rescaled(start.out, first), first.state};
    if (isOneTile) {
      // Nothing to add to: the product then writes.
      if (isFirst) sums.out = Value();
    } else {
      SmallVector<Value> inits = list(sums);
      inits.push_back(probabilities);
      auto results = g.loop(g.add(met.from, 1), met.to, 1, inits, [&](Value tile, ValueRange carried) {
        Sums before = unpack(carried);
        Place place = placeOf(tile);
        Ring::Slot slotBefore = slotOf(span, step, g.add(tile, -1));
        Value scores = startScores(rows, place.slot);
        Value out = startOutputs(carried[5], slotBefore, before.out);
        Tile now = meetTile(place, wait(scores, 1), before.state, cut.expectsNoGreater);
        out = wait(out, 0);
        valueRing->release(g, slotBefore);
        SmallVector<Value> carry = list({rescaled(out, now), now.state});
        carry.push_back(now.probabilities);
        return carry;
      });
      sums = unpack(results);
      probabilities = results[5];
      last = g.add(met.to, -1);
    }
    Ring::Slot slot = slotOf(span, step, last);
    sums.out = wait(startOutputs(probabilities, slot, sums.out), 0);
    valueRing->release(g, slot);
    return list(sums);
  };
  SmallVector<Value> before = list(start);
  return unpack(
      g.choose(g.less(met.from, met.to), TypeRange(ValueRange(before)), meet, [&] { return before; }));
}

} // namespace drawloom::attention
