// What the consuming warp groups of the window kernel do: five products a pair of tiles, gradients.
#include "passes/attention/gpu/WindowKernel.h"

using namespace mlir;

namespace drawloom::attention {

void WindowKernel::consume(const Segment &s) const {
  Value steps = g.i32(spec.steps + cut.leadingSteps());
  g.loop(g.i32(0), steps, 1, {}, [&](Value step, ValueRange) {
    g.when(g.less(g.i32(0), step), [&] { endStores(step); });
    Keys own = keysOf(s, step);
    Sums sums = meetQueries(s, own);
    storeKeys(own, sums);
    return SmallVector<Value>();
  });
  g.when(isFirstOfGroup(), [&] { dgpu::BulkWaitOp::create(g.b, g.loc, 0, /*read=*/true); });
}

/// The places that the step before stored from are free again.
void WindowKernel::endStores(Value step) const {
  g.when(isFirstOfGroup(), [&] {
    dgpu::BulkWaitOp::create(g.b, g.loc, 0, /*read=*/true);
    Value local = g.add(g.mul(g.add(step, -1), cut.groups), g.group);
    dgpu::MBarrierArriveOp::create(g.b, g.loc, valueRing.emptyBarrier(g, valueRing.slot(g, local)), Value());
  });
  groupBarrier();
}

WindowKernel::Keys WindowKernel::keysOf(const Segment &s, Value step) const {
  Keys own;
  own.step = step, own.local = g.add(g.mul(step, cut.groups), g.group);
  own.place = placeOf(s, own.local, true);
  own.exists = g.both(g.compare(arith::CmpIPredicate::sge, g.add(s.first, own.local), g.i32(0)),
                      k.less(own.place.first, s.keys));
  own.bounds = math.boundsOf(keySide, own.place, s.queries, g.i32(0));
  Ring::Slot keySlot = keyRing.slot(g, own.local), valueSlot = valueRing.slot(g, own.local);
  keyRing.waitFull(g, keySlot), valueRing.waitFull(g, valueSlot);
  own.keys = g.tile(keys.type, slotOf(keysAt, keys, keySlot));
  own.values = g.tile(values.type, slotOf(valuesAt, values, valueSlot));
  return own;
}

/// All query tiles of the step pass by; those of the group's window are met.
WindowKernel::Sums WindowKernel::meetQueries(const Segment &s, const Keys &own) const {
  SmallVector<Value> zeros{g.splat(g.accumulator(spec.shape.dQk), 0),
                           g.splat(g.accumulator(spec.shape.dV), 0)};
  auto sums = g.loop(g.i32(0), g.i32(cut.queryTiles()), 1, zeros, [&](Value turn, ValueRange carried) {
    Ring::Slot slot = queryRing.slot(g, g.add(g.mul(own.step, cut.queryTiles()), turn));
    queryRing.waitFull(g, slot);
    // From here on tiles of dS^T take the places of those that the step's dQ was made of.
    if (cut.width > 1)
      g.when(g.equal(turn, cut.groups),
             [&] { dgpu::MBarrierWaitOp::create(g.b, g.loc, g.i32(read), g.rem(own.step, 2)); });
    Value distance = g.sub(turn, g.group), query = g.add(g.mul(own.step, cut.groups), turn);
    Value isInWindow =
        g.both(g.compare(arith::CmpIPredicate::sge, distance, g.i32(0)), g.less(distance, g.i32(cut.width)));
    TypeRange types(carried);
    auto skip = [&] { return SmallVector<Value>(carried); };
    auto next = g.choose(
        g.both(isInWindow, isOwn(query)), types,
        [&] {
          Value at = g.mul(g.add(s.first, query), kTile), target = scoreGradientAt(own.local, distance);
          return g.choose(
              g.both(own.exists, math.isMet(own.bounds, at, kTile)), types,
              [&] { return meet(own, slot, at, target, carried); },
              [&] {
                auto type = g.vector({kTile / 8, 2, 2}, element);
                Value zero = arith::ConstantOp::create(
                    g.b, g.loc, DenseElementsAttr::get(type, g.b.getFloatAttr(element, 0)));
                dgpu::StoreFragmentOp::create(g.b, g.loc, zero, scoreGradientTile(target));
                return skip();
              });
        },
        skip);
    queryRing.release(g, slot);
    g.when(g.equal(turn, cut.groups - 1), [&] { finishQueries(s, own); });
    return next;
  });
  return {sums[0], sums[1]};
}

/// Adds what a query tile gives to dK and dV, and leaves dS^T at `target`.
SmallVector<Value> WindowKernel::meet(const Keys &own, const Ring::Slot &slot, Value at, Value target,
                                      ValueRange sums) const {
  auto queryTile = g.tile(queries.type, slotOf(queriesAt, queries, slot)),
       outTile = g.tile(outGradients.type, slotOf(outGradientsAt, outGradients, slot));
  auto accumulate = [&](Value left, TypedValue<dgpu::TileType> right, Value sum) {
    return dgpu::WgmmaOp::create(g.b, g.loc, sum.getType(), left, right, sum, false, false).getResult();
  };
  Value scores = math.scoreProduct(own.keys, queryTile),
        dProbabilities = math.scoreProduct(own.values, outTile);
  QueryStatistics columns = math.columnStatistics(statisticsAt(slot, 0), statisticsAt(slot, 1), kTile);
  scores = math.wait(scores, 1)[0];
  Value p = math.probabilities(scores, columns, own.bounds, at);
  Value dValues = accumulate(math.packed(p, element), outTile, sums[1]);
  dProbabilities = math.wait(dProbabilities, 1)[0];
  Value ds = math.packed(math.scoreGradients(p, dProbabilities, columns), element);
  Value dKeys = accumulate(ds, queryTile, sums[0]);
  dgpu::StoreFragmentOp::create(g.b, g.loc, ds, scoreGradientTile(target));
  return math.wait({dKeys, dValues}, 0);
}

/// dQ of the query tile that has the number of the group's key tile: all its dS^T are there once every group
/// has met the step's own query tiles.
void WindowKernel::finishQueries(const Segment &s, const Keys &own) const {
  dgpu::FenceAsyncSharedOp::create(g.b, g.loc);
  auto arrive = [&](Value at) {
    dgpu::WarpSyncOp::create(g.b, g.loc);
    g.when(g.equal(g.lane(), 0), [&] { dgpu::MBarrierArriveOp::create(g.b, g.loc, at, Value()); });
  };
  arrive(g.i32(written));
  dgpu::MBarrierWaitOp::create(g.b, g.loc, g.i32(written), g.rem(own.step, 2));
  Value start = g.mul(own.step, cut.groups);
  for (int64_t i = 0; i < cut.groups; ++i) keyRing.waitFull(g, keyRing.slot(g, g.add(start, i)));
  Value hasQueries = isOwn(own.local);
  auto type = g.accumulator(spec.shape.dQk);
  Value sum = g.choose(
      hasQueries, TypeRange(type),
      [&] {
        Value sum;
        for (int64_t distance = cut.width - 1; distance >= 0; --distance) {
          Value local = g.add(own.local, -distance);
          auto keyTile = g.tile(keys.type, slotOf(keysAt, keys, keyRing.slot(g, local)));
          sum = dgpu::WgmmaOp::create(
              g.b, g.loc, type, scoreGradientTile(scoreGradientAt(local, g.i32(distance))), keyTile, sum,
              /*transpose_a=*/true, /*transpose_b=*/false);
        }
        return math.wait(sum, 0);
      },
      [&] { return SmallVector<Value>{g.splat(type, 0)}; })[0];
  arrive(g.i32(read));
  // The key tiles that only earlier query tiles meet from here on.
  for (int64_t i = 0; i < cut.groups; ++i) {
    Value local = g.add(start, i - (cut.width - 1));
    g.when(g.compare(arith::CmpIPredicate::sge, local, g.i32(0)),
           [&] { keyRing.release(g, keyRing.slot(g, local)); });
  }
  TilePlace place = placeOf(s, own.local, false);
  g.when(g.both(hasQueries, k.less(place.first, place.extent)), [&] {
    store(sum, spec.shape.scale, queryGradients, querySide, kFirstGradient, place,
          scoreGradientAt(own.local, g.i32(0)));
  });
}

void WindowKernel::storeKeys(const Keys &own, const Sums &sums) const {
  g.when(g.both(own.exists, isOwn(own.local)), [&] {
    store(sums.keys, spec.shape.scale, keyGradients, keySide, kFirstGradient + 1, own.place,
          scoreGradientAt(own.local, g.i32(0)));
    store(sums.values, 1.0, valueGradients, keySide, kFirstGradient + 2, own.place,
          slotOf(valuesAt, values, valueRing.slot(g, own.local)));
  });
}

void WindowKernel::store(Value gradient, double factor, const ActivationTiles &tiles, const SideTiles &side,
                         unsigned argument, const TilePlace &place, Value offset) const {
  // The store before may still read the place.
  g.when(isFirstOfGroup(), [&] { dgpu::BulkWaitOp::create(g.b, g.loc, 0, /*read=*/true); });
  GradientStore target{g, {g, side, k.kernel.memref(argument), tiles.type}, spec.continues, barrier, &tiles};
  Value row = g.i32(0);
  target.store(gradient, factor, target.fetch(place, row), place, row, offset);
}

/// Each group has a barrier of its own.
void WindowKernel::groupBarrier() const {
  for (int64_t group = 0; group < cut.groups; ++group)
    g.when(g.equal(g.group, group),
           [&] { dgpu::NamedBarrierOp::create(g.b, g.loc, group + 1, kGroupThreads, false); });
}

} // namespace drawloom::attention
