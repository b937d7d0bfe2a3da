#include "passes/attention/gpu/OwnerKernel.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

using namespace mlir;

namespace drawloom::attention {

OwnerKernel::OwnerKernel(const TileKernel &k, const OwnerSpec &spec, MapList &maps)
    : k(k), spec(spec), g(k), math(g, spec.shape.scale), stream(k, g, math, spec, maps) {}

void OwnerKernel::build(Value from, Value to) const {
  stream.setUp();
  split([&] { stream.produce(from, to); }, [&] { consume(from, to); });
}

void OwnerKernel::split(llvm::function_ref<void()> producers, llvm::function_ref<void()> consumers) const {
  bool gathers = stream.gathers();
  g.when(
      g.equal(g.group, 0),
      [&] {
        if (spec.cut.movesRegisters())
          dgpu::SetMaxRegistersOp::create(g.b, g.loc, spec.cut.producerRegisters(gathers), false);
        producers();
      },
      [&] {
        if (spec.cut.movesRegisters())
          dgpu::SetMaxRegistersOp::create(g.b, g.loc, spec.cut.consumerRegisters(gathers), true);
        consumers();
      });
}

void OwnerKernel::consume(Value from, Value to) const {
  stream.forEachItem(from, to, [&](const Item &item, Value count, Value step) {
    Ring::Slot slot = stream.ownRing.slot(g, count);
    stream.ownRing.waitFull(g, slot);
    consumeItem(item, step);
    dgpu::FenceAsyncSharedOp::create(g.b, g.loc);
    stream.ownRing.release(g, slot);
  });
}

OwnerKernel::Rows OwnerKernel::rowsOf(const Item &item) const {
  const TilePlace &own = item.own;
  Rows rows;
  rows.row = g.mul(g.add(g.group, -1), kGroupRows);
  rows.bounds = math.boundsOf(stream.ownSide, own, item.other, rows.row);
  auto operand = [&](const ActivationTiles &tiles, int64_t offset) {
    return g.groupRows(g.tile(tiles.type, g.i32(offset)), rows.row);
  };
  rows.first = operand(stream.ownFirst, stream.ownFirstAt),
  rows.values = operand(stream.ownValues, stream.ownValuesAt);
  if (ownsKeys(spec.owner)) return rows;
  SmallVector<Value> lse, delta;
  for (Value x : math.positionsOf(own, rows.row)) {
    auto both =
        math.statisticsAt(own.batch, own.head, k.apply(stream.ownSide.position(), {own.head, own.slice, x}));
    lse.push_back(both[0]), delta.push_back(both[1]);
  }
  auto pair = g.vector({2, 1}, g.b.getF32Type());
  rows.statistics = {vector::FromElementsOp::create(g.b, g.loc, pair, lse),
                     vector::FromElementsOp::create(g.b, g.loc, pair, delta)};
  return rows;
}

void OwnerKernel::consumeItem(const Item &item, Value step) const {
  Rows rows = rowsOf(item);
  SmallVector<Value> zeros;
  if (makesFirst(spec.owner)) zeros.push_back(g.splat(g.accumulator(spec.shape.dQk), 0));
  if (makesValues(spec.owner)) zeros.push_back(g.splat(g.accumulator(spec.shape.dV), 0));
  auto unpack = [&](ValueRange sums) {
    return Gradients{makesFirst(spec.owner) ? sums.front() : Value(),
                     makesValues(spec.owner) ? sums.back() : Value()};
  };
  auto sums = g.loop(item.tileFrom, item.tileTo, 1, zeros, [&](Value tile, ValueRange carried) {
    Ring::Slot slot = stream.ring.slot(g, g.add(step, g.sub(tile, item.tileFrom)));
    stream.ring.waitFull(g, slot);
    SmallVector<Value> next = g.choose(
        math.isMet(rows.bounds, g.mul(tile, spec.cut.columns), spec.cut.columns), TypeRange(carried),
        [&] {
          Gradients out = meet(rows, slot, tile, unpack(carried));
          SmallVector<Value> list;
          if (out.first) list.push_back(out.first);
          if (out.values) list.push_back(out.values);
          return list;
        },
        [&] { return SmallVector<Value>(carried); });
    stream.ring.release(g, slot);
    return next;
  });
  finish(item, rows.row, unpack(sums));
}

TypedValue<dgpu::TileType> OwnerKernel::streamTile(const Ring::Slot &slot, bool values) const {
  const ActivationTiles &tiles = values ? stream.streamValues : stream.streamFirst;
  return g.tile(tiles.type, stream.streamOffset(slot, values));
}

Value OwnerKernel::packed(Value fragment) const {
  return math.packed(fragment, stream.streamFirst.type.getElementType());
}

Value OwnerKernel::accumulate(Value left, TypedValue<dgpu::TileType> tile, Value sum) const {
  return dgpu::WgmmaOp::create(g.b, g.loc, sum.getType(), left, tile, sum, /*transpose_a=*/false,
                               /*transpose_b=*/false);
}

OwnerKernel::Gradients OwnerKernel::meet(const Rows &rows, const Ring::Slot &slot, Value tile,
                                         Gradients gradients) const {
  auto firstTile = streamTile(slot, false), valueTile = streamTile(slot, true);
  Value scores = math.scoreProduct(rows.first, firstTile), outGradients;
  if (gradients.first) outGradients = math.scoreProduct(rows.values, valueTile);
  QueryStatistics queries = rows.statistics;
  if (!queries.lse)
    queries = math.columnStatistics(stream.statisticsOffset(slot, 0), stream.statisticsOffset(slot, 1),
                                    spec.cut.columns);
  scores = math.wait(scores, gradients.first ? 1 : 0)[0];
  Value p = math.probabilities(scores, queries, rows.bounds, g.mul(tile, spec.cut.columns));
  if (gradients.values) gradients.values = accumulate(packed(p), valueTile, gradients.values);
  if (!gradients.first) return {Value(), math.wait(gradients.values, 0)[0]};
  outGradients = math.wait(outGradients, gradients.values ? 1 : 0)[0];
  gradients.first =
      accumulate(packed(math.scoreGradients(p, outGradients, queries)), firstTile, gradients.first);
  if (!gradients.values) return {math.wait(gradients.first, 0)[0], Value()};
  auto done = math.wait({gradients.first, gradients.values}, 0);
  return {done[0], done[1]};
}

/// A barrier of the thread's warp group; each group has its own.
void OwnerKernel::groupBarrier() const {
  for (int64_t group = 1; group <= spec.cut.groups; ++group)
    g.when(g.equal(g.group, group),
           [&] { dgpu::NamedBarrierOp::create(g.b, g.loc, group, kGroupThreads, false); });
}

/// Through the owned operands' places in shared memory, which nobody reads any more.
void OwnerKernel::finish(const Item &item, Value row, const Gradients &gradients) const {
  auto barrier = [&] { groupBarrier(); };
  auto store = [&](Value gradient, unsigned argument, double factor, const ActivationTiles &tiles,
                   int64_t offset) {
    GradientStore target{
        g, {g, stream.ownSide, k.kernel.memref(argument), tiles.type}, spec.continues, barrier};
    target.store(gradient, factor, target.fetch(item.own, row), item.own, row, g.i32(offset));
  };
  if (gradients.first)
    store(gradients.first, spec.first, spec.shape.scale, stream.ownFirst, stream.ownFirstAt);
  if (gradients.values) store(gradients.values, spec.values, 1.0, stream.ownValues, stream.ownValuesAt);
}

} // namespace drawloom::attention
