#include "passes/attention/gpu/RelayKernel.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

using namespace mlir;

namespace drawloom::attention {
namespace {

constexpr int64_t kQuad = 4;
constexpr int64_t kQueriesHalf = 0; // of a pair, in which the dQ of the pair before is made
constexpr int64_t kRelayThread =
    kWarpThreads; // of a warp of producers that neither copies nor brings statistics

} // namespace

RelayKernel::RelayKernel(const TileKernel &k, const OwnerSpec &spec, MapList &maps)
    : OwnerKernel(k, spec, maps),
      scoreGradientsBase(stream.layout.take(kRelayTiles * spec.cut.ownRows() * kTile * 2, 1024)),
      numberAt(stream.layout.take(4, 4)), written(stream.layout.take(8, 8)), turns(stream.layout, 2),
      shares(stream.layout, 2) {}

void RelayKernel::build() const {
  Value number = takeNumber(), next = k.apply(k.dim(0) + 1, number);
  split(
      [&] {
        stream.produce(number, next);
        g.when(g.equal(g.thread, kRelayThread), [&] {
          stream.forEachItem(number, next, [&](const Item &item, Value, Value) { relay(item); });
        });
      },
      [&] { consume(number, next); });
}

Value RelayKernel::takeNumber() const {
  Value array = g.array(1, g.b.getI32Type(), g.i32(numberAt)), zero = k.index(0);
  Value words = k.kernel.memref(spec.relay.words);
  stream.setUp([&] {
    int64_t warps = spec.cut.groups * kWarpsInGroup;
    dgpu::MBarrierInitOp::create(g.b, g.loc, g.i32(written), g.i32(warps));
    turns.init(g, 1, 1);
    shares.init(g, warps, 1);
    Value last = k.index(cast<MemRefType>(words.getType()).getDimSize(0) - 1);
    Value number = dgpu::TakeNumberOp::create(g.b, g.loc, g.b.getI32Type(), words, last);
    memref::StoreOp::create(g.b, g.loc, number, array, zero);
  });
  return g.toIndex(memref::LoadOp::create(g.b, g.loc, array, zero));
}

//===-- turns -------------------------------------------------------------------------------------------===//

/// The keys that a pair of query tiles meets.
ViewInKernel::Range RelayKernel::keysOf(const Item &item, Value pair) const {
  Value first = k.apply(k.dim(0) * kPairRows, g.toIndex(pair));
  Value last = k.min(k.apply(k.dim(0) + (kPairRows - 1), first), k.apply(k.dim(0) - 1, item.other));
  return stream.streamSide.meets(item.own.head, item.own.slice, first, last, item.own.extent);
}

Value RelayKernel::isMetByNobody(const Item &item, Value pair) const {
  ViewInKernel::Range range = keysOf(item, pair);
  return arith::CmpIOp::create(g.b, g.loc, arith::CmpIPredicate::sge, range.from, range.to);
}

RelayKernel::Turn RelayKernel::turnAt(const Item &item, Value pair) const {
  Value index = g.toIndex(pair);
  const TilePlace &own = item.own;
  ViewInKernel::Range range = keysOf(item, pair);
  int64_t rows = spec.cut.ownRows();
  Turn at;
  at.word = k.apply(k.dim(0) * spec.relay.pairs + k.dim(1), {item.sequence, index});
  at.before = g.toI32(k.apply(k.dim(0).floorDiv(rows) - k.dim(1).floorDiv(rows), {own.first, range.from}));
  Value after = g.toI32(k.apply(k.dim(1).ceilDiv(rows) - k.dim(0).floorDiv(rows), {own.first, range.to}));
  at.isFirst = g.equal(at.before, 0), at.isLast = g.equal(after, 1);
  return at;
}

/// One thread, in step with the consumers: adds their shares of a pair when it is the owner's turn, and lets
/// the next one go on. The last owner's consumers add for themselves, when this thread says that it is their
/// turn.
void RelayKernel::relay(const Item &item) const {
  Value words = k.kernel.memref(spec.relay.words), zero = g.i32(0);
  g.loop(zero, g.div(g.sub(item.tileTo, item.tileFrom), 2), 1, {}, [&](Value step, ValueRange) {
    Turn at = turnAt(item, g.add(g.sub(g.div(item.tileTo, 2), step), -1));
    g.when(g.less(zero, at.before),
           [&] { dgpu::AwaitWordOp::create(g.b, g.loc, words, at.word, at.before); });
    Ring::Slot turn = turns.slot(g, step), slot = shares.slot(g, step);
    dgpu::MBarrierArriveOp::create(g.b, g.loc, turns.fullBarrier(g, turn), Value());
    turns.waitFull(g, turn); // at once; of a turn that is not the last, no consumer sees the end
    shares.waitFull(g, slot);
    auto free = [&] { dgpu::MBarrierArriveOp::create(g.b, g.loc, shares.emptyBarrier(g, slot), Value()); };
    g.when(at.isLast, free, [&] {
      g.when(
          at.isFirst, [&] { copyShares(item, at, step, false); }, [&] { copyShares(item, at, step, true); });
      dgpu::BulkCommitOp::create(g.b, g.loc);
      dgpu::BulkWaitOp::create(g.b, g.loc, 0, /*read=*/true);
      free();
      dgpu::BulkWaitOp::create(g.b, g.loc, 0, /*read=*/false);
      dgpu::PublishWordOp::create(g.b, g.loc, words, at.word, g.add(at.before, 1));
    });
    return SmallVector<Value>();
  });
}

void RelayKernel::copyShares(const Item &item, const Turn &at, Value step, bool add) const {
  Value pair = g.add(g.sub(g.div(item.tileTo, 2), step), -1);
  for (int64_t half : {0, 1}) {
    Value first = k.apply(k.dim(0) * kPairRows + half * kTile, g.toIndex(pair));
    Value row = k.apply(k.dim(0) * 2 + half, at.word);
    g.when(k.less(first, item.other), [&] {
      dgpu::BulkStoreOp::create(g.b, g.loc, scoreGradientsAt(step, g.i32(half)),
                                g.i32(kTile * spec.shape.dQk * 4), k.kernel.memref(spec.relay.sums),
                                ValueRange{row, k.index(0)}, add);
    });
  }
}

//===-- consumers ---------------------------------------------------------------------------------------===//

void RelayKernel::consumeItem(const Item &item, Value ringStep) const {
  if (spec.relay.clearsKeys) clearKeys(item);
  Rows rows = rowsOf(item);
  SmallVector<Value> zeros{g.splat(g.accumulator(spec.shape.dQk), 0),
                           g.splat(g.accumulator(spec.shape.dV), 0)};
  Value pairs = g.div(g.sub(item.tileTo, item.tileFrom), 2);
  auto sums = g.loop(g.i32(0), pairs, 1, zeros, [&](Value step, ValueRange carried) {
    Gradients gradients{carried[0], carried[1]};
    for (int64_t half : {0, 1}) {
      Value turn = g.add(g.mul(step, 2), half);
      Value tile = stream.tileOf(item, g.add(item.tileFrom, turn));
      Ring::Slot slot = stream.ring.slot(g, g.add(ringStep, turn));
      Value target = scoreGradientsAt(step, g.i32(half));
      stream.ring.waitFull(g, slot);
      if (half == 0) shares.waitEmpty(g, shares.slot(g, step));
      if (half == kQueriesHalf)
        gradients = meet(
            rows, slot, tile, target, gradients, [&] { return startQueries(step); },
            [&](Value share) { finishQueries(item, step, share); });
      else
        gradients = meet(rows, slot, tile, target, gradients, nullptr, nullptr);
      stream.ring.release(g, slot);
    }
    dgpu::FenceAsyncSharedOp::create(g.b, g.loc); // dS^T is read by products
    arriveByWarp(g.i32(written));
    return SmallVector<Value>{gradients.first, gradients.values};
  });
  finishQueries(item, pairs, math.wait(startQueries(pairs), 0)[0]);
  if (spec.relay.clearsQueries) clearQueries(item, pairs);
  // Both groups have read all keys, whose places the gradients leave through.
  dgpu::NamedBarrierOp::create(g.b, g.loc, spec.cut.groups + 1, spec.cut.groups * kGroupThreads, false);
  finish(item, rows.row, {sums[0], sums[1]});
}

/// Adds what a query tile gives to dK and dV, and leaves dS^T at `target`. `start` starts a product between
/// that of the scores and the exponentials; `end` is given what came out of it.
OwnerKernel::Gradients RelayKernel::meet(const Rows &rows, const Ring::Slot &slot, Value tile, Value target,
                                         Gradients gradients, llvm::function_ref<Value()> start,
                                         llvm::function_ref<void(Value)> end) const {
  auto queries = streamTile(slot, false), outGradients = streamTile(slot, true);
  Value scores = math.scoreProduct(rows.first, queries),
        dProbabilities = math.scoreProduct(rows.values, outGradients);
  Value other = start ? start() : Value();
  int64_t pending = start ? 2 : 1;
  QueryStatistics columns =
      math.columnStatistics(stream.statisticsOffset(slot, 0), stream.statisticsOffset(slot, 1), kTile);
  scores = math.wait(scores, pending)[0];
  Value p = math.probabilities(scores, columns, rows.bounds, g.mul(tile, kTile));
  gradients.values = accumulate(packed(p), outGradients, gradients.values);
  dProbabilities = math.wait(dProbabilities, pending)[0];
  Value ds = packed(math.scoreGradients(p, dProbabilities, columns));
  gradients.first = accumulate(ds, queries, gradients.first);
  auto half = g.tileType(spec.cut.ownRows(), kTile, stream.streamFirst.type.getElementType());
  dgpu::StoreFragmentOp::create(g.b, g.loc, ds, g.groupRows(g.tile(half, target), rows.row));
  if (other) end(math.wait(other, 2)[0]);
  auto done = math.wait({gradients.first, gradients.values}, 0);
  return {done[0], done[1]};
}

void RelayKernel::arriveByWarp(Value barrier) const {
  dgpu::WarpSyncOp::create(g.b, g.loc);
  g.when(g.equal(g.lane(), 0), [&] { dgpu::MBarrierArriveOp::create(g.b, g.loc, barrier, Value()); });
}

Value RelayKernel::scoreGradientsAt(Value step, Value half) const {
  Value number = g.add(g.mul(g.rem(step, 2), 2), half);
  return g.add(g.mul(number, spec.cut.ownRows() * kTile * 2), scoreGradientsBase);
}

//===-- dQ ----------------------------------------------------------------------------------------------===//

/// Starts dS K of the pair before `step`: the group's tile of it. Before the first pair it is a product of
/// what happens to be there, which nobody takes.
Value RelayKernel::startQueries(Value step) const {
  Value before = g.add(step, 1); // the same places
  dgpu::MBarrierWaitOp::create(g.b, g.loc, g.i32(written), g.rem(before, 2));
  auto type = g.tileType(spec.cut.ownRows(), kTile, stream.streamFirst.type.getElementType());
  auto scores = g.tile(type, scoreGradientsAt(before, g.add(g.group, -1)));
  return dgpu::WgmmaOp::create(g.b, g.loc, g.accumulator(spec.shape.dQk), scores,
                               g.tile(stream.ownFirst.type, g.i32(stream.ownFirstAt)), Value(),
                               /*transpose_a=*/true, /*transpose_b=*/false);
}

void RelayKernel::finishQueries(const Item &item, Value step, Value share) const {
  g.when(g.less(g.i32(0), step), [&] {
    Value before = g.add(step, -1);
    Value tile = stream.tileOf(item, g.add(g.add(item.tileFrom, g.mul(before, 2)), g.add(g.group, -1)));
    g.when(k.less(k.apply(k.dim(0) * kTile, g.toIndex(tile)), item.other),
           [&] { putShare(item, tile, before, share); });
    arriveByWarp(shares.fullBarrier(g, shares.slot(g, before)));
  });
}

/// The group's share of a tile's dQ. It takes the place of the tile of dS^T, which nobody but the group's
/// product has read; there it waits to be added, fragment after fragment, neighbouring threads side by side.
/// The last owner makes dQ of it.
void RelayKernel::putShare(const Item &item, Value tile, Value step, Value share) const {
  Turn at = turnAt(item, g.div(tile, 2));
  auto type = cast<VectorType>(share.getType());
  auto quad = g.vector({kQuad}, g.b.getF32Type());
  Value offset = scoreGradientsAt(step, g.add(g.group, -1));
  auto placeOf = [&](int64_t number) {
    return g.toIndex(g.add(g.mul(g.threadInGroup(), kQuad), number * kQuad * kGroupThreads));
  };
  auto put = [&] {
    Value array = g.array(kTile * spec.shape.dQk, g.b.getF32Type(), offset);
    auto elements = vector::ToElementsOp::create(g.b, g.loc, share);
    groupBarrier(); // a warp's part of the product may be done while others still read their columns of dS^T
    for (int64_t number = 0; number < type.getDimSize(0); ++number) {
      auto four = elements.getResults().slice(number * kQuad, kQuad);
      g.store(vector::FromElementsOp::create(g.b, g.loc, quad, four), array, {placeOf(number)}, 16);
    }
    dgpu::FenceAsyncSharedOp::create(g.b, g.loc);
  };
  auto sum = [&] {
    turns.waitFull(g, turns.slot(g, step));
    Value row = k.apply(k.dim(0) * 2 + k.dim(1), {at.word, g.toIndex(g.rem(tile, 2))});
    SmallVector<Value> elements;
    for (int64_t number = 0; number < type.getDimSize(0); ++number) {
      Value four = dgpu::ReadGlobalOp::create(g.b, g.loc, quad, k.kernel.memref(spec.relay.sums),
                                              ValueRange{row, placeOf(number)});
      llvm::append_range(elements, vector::ToElementsOp::create(g.b, g.loc, four).getResults());
    }
    Value before = vector::FromElementsOp::create(g.b, g.loc, type, elements);
    return SmallVector<Value>{arith::AddFOp::create(g.b, g.loc, before, share)};
  };
  auto store = [&] {
    Value total = g.choose(at.isFirst, TypeRange(type), [&] { return SmallVector<Value>{share}; }, sum)[0];
    storeQueries(item, tile, total, offset);
  };
  g.when(at.isLast, store, put);
}

/// A tile's dQ, through shared memory at `offset`.
void RelayKernel::storeQueries(const Item &item, Value tile, Value sum, Value offset) const {
  auto barrier = [&] { groupBarrier(); };
  GradientStore target{g,
                       {g, stream.streamSide, k.kernel.memref(spec.relay.queries), stream.streamFirst.type},
                       spec.continues,
                       barrier};
  TilePlace place = stream.streamed(item, tile);
  target.store(sum, spec.shape.scale, target.fetch(place, g.i32(0)), place, g.i32(0), offset);
}

} // namespace drawloom::attention
