// What the consuming warp groups of the forward kernel do with a query tile: products of scores and of
// outputs, from key tile to key tile.
#include "passes/attention/gpu/ForwardKernel.h"

using namespace mlir;

namespace drawloom::attention {

SmallVector<Value> ForwardKernel::listOf(const Sums &s) {
  return {s.out, s.state.greatest[0], s.state.greatest[1], s.state.sum[0], s.state.sum[1]};
}

ForwardKernel::Sums ForwardKernel::sumsOf(ValueRange list) {
  return {list[0], {{list[1], list[2]}, {list[3], list[4]}}};
}

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
  if (spec.startsWithOneTile) {
    sums = meetLedByOneTile(item, rows, step, sums);
  } else {
    for (auto [stream, span] : llvm::zip_equal(streams, item.spans)) {
      Met met = metBy(item, rows, stream, span);
      skip(span.from, met.from, span, step);
      sums = meetTiles(rows, stream, span, met, step, sums);
      skip(met.to, span.to, span, step);
    }
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

ForwardKernel::Place ForwardKernel::placeOf(const Rows &rows, const Stream &stream, const Span &span,
                                            const Met &met, Value step, Value tile) const {
  return Place{rows, stream, met, tile, slotOf(span, step, tile)};
}

/// The group's first tile of a stream, whose scores nothing else is computed beside.
ForwardKernel::Sums ForwardKernel::meetFirst(const Place &place, const Sums &start, bool isFirstStream,
                                             Pending &pending) const {
  Value scores = wait(startScores(place.rows, place.slot), 0);
  Tile first = meetTile(place, scores, start.state, cut.expectsNoGreater && !isFirstStream);
  pending = {first.probabilities, place.slot};
  return {isFirstStream ? start.out : rescaled(start.out, first), first.state};
}

/// Goes on from tile `from` of a stream. While the scores of a tile are computed, probabilities of the tile
/// before it, those that are pending of the first, are multiplied with their values.
ForwardKernel::Sums ForwardKernel::goOn(const Rows &rows, const Stream &stream, const Span &span,
                                        const Met &met, Value step, Value from, const Sums &start,
                                        Pending &pending) const {
  SmallVector<Value> inits = listOf(start);
  inits.append({pending.probabilities, pending.slot.number, pending.slot.parity});
  auto results = g.loop(from, met.to, 1, inits, [&](Value tile, ValueRange carried) {
    Sums before = sumsOf(carried);
    Pending last{carried[5], {carried[6], carried[7]}};
    Place place = placeOf(rows, stream, span, met, step, tile);
    Value scores = startScores(rows, place.slot);
    Value out = startOutputs(last.probabilities, last.slot, before.out);
    Tile now = meetTile(place, wait(scores, 1), before.state, cut.expectsNoGreater);
    out = wait(out, 0);
    valueRing->release(g, last.slot);
    SmallVector<Value> carry = listOf({rescaled(out, now), now.state});
    carry.append({now.probabilities, place.slot.number, place.slot.parity});
    return carry;
  });
  pending = {results[5], {results[6], results[7]}};
  return sumsOf(results);
}

/// Multiplies what is pending.
ForwardKernel::Sums ForwardKernel::finishTiles(const Sums &sums, const Pending &pending) const {
  Value out = wait(startOutputs(pending.probabilities, pending.slot, sums.out), 0);
  valueRing->release(g, pending.slot);
  return {out, sums.state};
}

/// Goes on with the softmax over the group's tiles of a stream.
ForwardKernel::Sums ForwardKernel::meetTiles(const Rows &rows, const Stream &stream, const Span &span,
                                             const Met &met, Value step, const Sums &start) const {
  bool isFirst = &stream == &streams.front(), isOneTile = spec.keys <= cut.columns;
  auto meet = [&] {
    Pending pending;
    Sums sums = meetFirst(placeOf(rows, stream, span, met, step, met.from), start, isFirst, pending);
    if (!isOneTile)
      sums = goOn(rows, stream, span, met, step, g.add(met.from, 1), sums, pending);
    else if (isFirst)
      sums.out = Value(); // nothing to add to: the product then writes
    return listOf(finishTiles(sums, pending));
  };
  SmallVector<Value> before = listOf(start);
  return sumsOf(
      g.choose(g.less(met.from, met.to), TypeRange(ValueRange(before)), meet, [&] { return before; }));
}

/// Two streams, of the first of which each group meets one tile (ForwardSpec): its probabilities are still
/// pending when the second stream begins.
ForwardKernel::Sums ForwardKernel::meetLedByOneTile(const Item &item, const Rows &rows, Value step,
                                                    const Sums &start) const {
  const Span &leadSpan = item.spans[0], &span = item.spans[1];
  Met lead = metBy(item, rows, streams[0], leadSpan);
  SmallVector<Value> before = listOf(start);
  auto meet = [&] {
    skip(leadSpan.from, lead.from, leadSpan, step);
    Pending pending;
    Sums sums = meetFirst(placeOf(rows, streams[0], leadSpan, lead, step, lead.from), start, true, pending);
    skip(lead.to, leadSpan.to, leadSpan, step);
    Met met = metBy(item, rows, streams[1], span);
    skip(span.from, met.from, span, step);
    sums = goOn(rows, streams[1], span, met, step, met.from, sums, pending);
    sums = finishTiles(sums, pending);
    skip(met.to, span.to, span, step);
    return listOf(sums);
  };
  auto skipAll = [&] { // rows that do not exist
    for (const Span &all : item.spans) skip(all.from, all.to, all, step);
    return before;
  };
  return sumsOf(g.choose(g.less(lead.from, lead.to), TypeRange(ValueRange(before)), meet, skipAll));
}

} // namespace drawloom::attention
