#include "passes/attention/gpu/ForwardKernel.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

using namespace mlir;

namespace drawloom::attention {
namespace {

constexpr int64_t kTileAlignment = 1024, kWarpsInGroup = 4;

Type elementOf(const TileKernel &k, unsigned argument) {
  return cast<MemRefType>(k.kernel.memref(argument).getType()).getElementType();
}

Boxes boxesIf(bool copied) { return copied ? Boxes::Attended : Boxes::None; }

} // namespace

ForwardKernel::Stream::Stream(const ForwardKernel &kernel, ViewAttr attr, MapList &maps)
    : view(kernel.k, attr, kernel.spec.shape.n), rows(view, false, kernel.cut.rows(), Boxes::None),
      side(view, true, kernel.cut.columns, boxesIf(kernel.spec.keysAreBoxes)),
      keys(kernel.g, side, kK, kernel.spec.shape.dQk, maps),
      values(kernel.g, side, kV, kernel.spec.shape.dV, maps) {}

ForwardKernel::ForwardKernel(const TileKernel &k, const ForwardSpec &spec, MapList &maps)
    : k(k), spec(spec), cut(spec.cut), g(k), softmax(g, factor()), view(k, spec.views.front(), spec.shape.n),
      querySide(view, false, cut.rows(), boxesIf(spec.isHopper)),
      queryTiles(g, querySide, kQ, spec.shape.dQk, maps),
      groupSide(view, false, kGroupRows, boxesIf(spec.isHopper)),
      outType(g.tileType(cut.rows(), spec.shape.dV, elementOf(k, kOut))) {
  for (ViewAttr attr : spec.views) streams.emplace_back(*this, attr, maps);
  producers = isBulk() ? cut.producers() : kGroupThreads;
  queriesAt = layout.take(cut.queryStages * queryTiles.bytes(), kTileAlignment);
  keysAt = layout.take(cut.keyStages * keyTiles().bytes(), kTileAlignment);
  valuesAt = layout.take(cut.keyStages * valueTiles().bytes(), kTileAlignment);
  // Outputs leave through the queries' place if they have its form.
  bool needsPlace = spec.continues || outType != queryTiles.type;
  outsAt = needsPlace ? layout.take(cut.queryStages * outType.bytes(), kTileAlignment) : queriesAt;
  queryRing.emplace(layout, cut.queryStages);
  keyRing.emplace(layout, cut.keyStages);
  valueRing.emplace(layout, cut.keyStages);
  if (groupSide.box) outStore.emplace(g, groupSide, kOut, spec.shape.dV, maps);
  if (spec.continues) outTiles.emplace(g, querySide, kOut, spec.shape.dV, maps);
}

void ForwardKernel::build() const {
  setUp();
  g.when(
      g.equal(g.group, cut.groups),
      [&] {
        if (cut.consumerRegisters) dgpu::SetMaxRegistersOp::create(g.b, g.loc, isBulk() ? 24 : 40, false);
        produce();
      },
      [&] {
        if (cut.consumerRegisters)
          dgpu::SetMaxRegistersOp::create(g.b, g.loc, cut.consumerRegisters - (isBulk() ? 0 : 16), true);
        consume();
      });
}

/// Producers arrive at a full barrier once (a bulk copy) or once a thread, consumers at an empty one once a
/// warp.
void ForwardKernel::setUp() const {
  int64_t empty = cut.groups * kWarpsInGroup;
  g.when(g.equal(g.thread, 0), [&] {
    queryRing->init(g, queryTiles.isBulk() ? 1 : producers, cut.groups);
    keyRing->init(g, keyTiles().isBulk() ? 1 : producers, empty);
    valueRing->init(g, valueTiles().isBulk() ? 1 : producers, empty);
    if (spec.isHopper) dgpu::MBarrierFenceOp::create(g.b, g.loc);
  });
  // A value that a copy leaves as it is meets a probability of 0: it must be a number.
  if (llvm::any_of(streams, [](const Stream &s) { return s.side.leavesRows(); })) {
    g.clear(valuesAt, cut.keyStages * valueTiles().bytes(), threads());
    fenceAsync();
  }
  gpu::BarrierOp::create(g.b, g.loc);
}

//===-- items ------------------------------------------------------------------------------------===//

/// Calls `body` with each of the block's items that exists, with the number of items and of key tiles before
/// it.
void ForwardKernel::forEachItem(llvm::function_ref<void(const Item &, Value, Value)> body) const {
  enum { kTile, kBatch, kSlice, kHead };
  int64_t extents[] = {spec.tiles, spec.shape.batch, spec.slices, int64_t(view.attr.getHeads().size())};
  // Neighbouring heads lie side by side in memory: they run fastest.
  SmallVector<int> order = cut.longestFirst ? SmallVector<int>{kHead, kSlice, kBatch, kTile}
                                            : SmallVector<int>{kHead, kTile, kSlice, kBatch};
  Value zero = g.i32(0);
  auto step = [&](Value turn, ValueRange carried) -> SmallVector<Value> {
    Value number = itemOf(turn);
    Value at[4];
    int64_t stride = 1;
    for (int d : order) {
      at[d] = extents[d] == 1 ? k.index(0) : small(k.apply(k.dim(0).floorDiv(stride) % extents[d], number));
      stride *= extents[d];
    }
    Value batch = entryAt(k, spec.order, spec.shape.batch, at[kBatch]),
          head = small(k.headAt(view.attr.getHeads(), at[kHead])), slice = at[kSlice];
    Item item;
    // The last rows have the most keys to meet: they come first.
    Value first = small(k.apply((-k.dim(0) + (spec.tiles - 1)) * cut.rows(), at[kTile]));
    item.queries = {batch, head, slice, first, querySide.extent(head, slice)};
    Value last =
        k.min(k.apply(k.dim(0) + (cut.rows() - 1), first), k.apply(k.dim(0) - 1, item.queries.extent));
    item.tiles = zero;
    for (const Stream &stream : streams) {
      Span span;
      span.keys = stream.side.extent(head, slice);
      ViewInKernel::Range range = stream.rows.meets(head, slice, first, last, span.keys);
      span.from = g.toI32(k.apply(k.dim(0).floorDiv(cut.columns), range.from));
      Value end = g.toI32(k.apply(k.dim(0).ceilDiv(cut.columns), range.to));
      span.to = g.select(k.less(range.from, range.to), end, span.from);
      span.before = item.tiles;
      item.tiles = g.add(item.tiles, g.sub(span.to, span.from));
      item.spans.push_back(span);
    }
    Value exists = g.both(k.less(number, k.index(spec.items())), k.less(first, item.queries.extent));
    if (!view.view.slices.isConstant())
      exists = g.both(exists, k.less(slice, k.apply(view.view.slices, head)));
    return g.choose(
        exists, {zero.getType(), zero.getType()},
        [&] {
          body(item, carried[0], carried[1]);
          return SmallVector<Value>{g.add(carried[0], 1), g.add(carried[1], item.tiles)};
        },
        [&] { return SmallVector<Value>(carried); });
  };
  if (cut.items == 1)
    step(zero, {zero, zero});
  else
    g.loop(zero, g.i32(cut.items), 1, {zero, zero}, step);
}

/// A number that is known not to be negative and below 2^32, as index: LLVM then computes with 32 bits where
/// it can.
Value ForwardKernel::small(Value index) const {
  return arith::IndexCastUIOp::create(g.b, g.loc, g.b.getIndexType(), g.toI32(index));
}

/// The item that the block works on at its `turn`-th turn (i32). Turns go back and forth over the blocks, so
/// that all have about as much to do where items get shorter, or where the tiles of a slice differ.
Value ForwardKernel::itemOf(Value turn) const {
  if (cut.items == 1) return small(k.kernel.begin());
  Value block = g.toI32(k.apply(k.dim(0).floorDiv(cut.items), small(k.kernel.begin()))),
        start = g.mul(turn, cut.launched);
  Value forth = g.add(start, block);
  Value back = g.sub(g.add(start, cut.launched - 1), block);
  return small(g.toIndex(g.select(g.equal(g.rem(turn, 2), 0), forth, back)));
}

/// The slot of key tile `tile` of a stream; `step` is that of the item's first.
Ring::Slot ForwardKernel::slotOf(const Span &span, Value step, Value tile) const {
  return keyRing->slot(g, g.add(g.add(step, span.before), g.sub(tile, span.from)));
}

Value ForwardKernel::at(int64_t offset, const ActivationTiles &tiles, const Ring::Slot &slot) const {
  return g.add(g.mul(slot.number, tiles.bytes()), offset);
}
Value ForwardKernel::outAt(const Ring::Slot &slot) const {
  return g.add(g.mul(slot.number, outType.bytes()), outsAt);
}

//===-- producers --------------------------------------------------------------------------------===//

void ForwardKernel::produce() const {
  auto all = [&] {
    forEachItem([&](const Item &item, Value count, Value step) {
      Ring::Slot slot = queryRing->slot(g, count);
      SmallVector<std::pair<const ActivationTiles *, Value>> tiles{
          {&queryTiles, at(queriesAt, queryTiles, slot)}};
      if (outTiles) tiles.push_back({&*outTiles, outAt(slot)});
      bring(queryTiles.isBulk(), *queryRing, slot, tiles, item.queries);
      for (auto [stream, span] : llvm::zip_equal(streams, item.spans)) produceKeys(stream, span, item, step);
    });
  };
  // Where everything is a bulk copy one thread does it all.
  if (isBulk())
    g.when(g.equal(g.thread, cut.groups * kGroupThreads), all);
  else
    all();
}

void ForwardKernel::produceKeys(const Stream &stream, const Span &span, const Item &item, Value step) const {
  g.loop(span.from, span.to, 1, {}, [&](Value tile, ValueRange) {
    const TilePlace &own = item.queries;
    TilePlace place{own.batch, own.head, own.slice, small(k.apply(k.dim(0) * cut.columns, g.toIndex(tile))),
                    span.keys};
    Ring::Slot slot = slotOf(span, step, tile);
    bring(stream.keys.isBulk(), *keyRing, slot, {{&stream.keys, at(keysAt, stream.keys, slot)}}, place);
    bring(stream.values.isBulk(), *valueRing, slot, {{&stream.values, at(valuesAt, stream.values, slot)}},
          place);
    return SmallVector<Value>();
  });
}

void ForwardKernel::bring(bool bulk, const Ring &ring, const Ring::Slot &slot,
                          ArrayRef<std::pair<const ActivationTiles *, Value>> tiles,
                          const TilePlace &place) const {
  ring.waitEmpty(g, slot);
  Value barrier = ring.fullBarrier(g, slot);
  if (!bulk) {
    for (auto [activation, offset] : tiles) activation->gather(place, offset);
    dgpu::CopyAsyncCommitOp::create(g.b, g.loc);
    dgpu::CopyAsyncWaitOp::create(g.b, g.loc, 0);
    fenceAsync();
    dgpu::MBarrierArriveOp::create(g.b, g.loc, barrier, Value());
    return;
  }
  auto start = [&] {
    int64_t bytes = 0;
    for (auto [activation, offset] : tiles) bytes += activation->bulkBytes();
    dgpu::MBarrierArriveOp::create(g.b, g.loc, barrier, g.i32(bytes));
    for (auto [activation, offset] : tiles) activation->loadBulk(place, offset, barrier);
  };
  if (isBulk())
    start();
  else
    g.when(g.equal(g.thread, cut.groups * kGroupThreads), start);
}

} // namespace drawloom::attention
