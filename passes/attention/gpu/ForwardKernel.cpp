#include "passes/attention/gpu/ForwardKernel.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include <limits>

using namespace mlir;

namespace drawloom::attention {
namespace {

enum Argument { kQ, kK, kV, kOut, kLse };

constexpr int64_t kTileAlignment = 1024, kWarpsInGroup = 4;
constexpr double kLn2 = 0.6931471805599453;

Type elementOf(const TileKernel &k, unsigned argument) {
  return cast<MemRefType>(k.kernel.memref(argument).getType()).getElementType();
}

} // namespace

ForwardKernel::ForwardKernel(const TileKernel &k, const ForwardSpec &spec, MapList &maps)
    : k(k), spec(spec), cut(spec.cut), g(k), softmax(g, factor()), view(k, spec.view, spec.shape.n),
      querySide(view, false, cut.rows(), spec.isHopper), keySide(view, true, cut.columns, spec.isHopper),
      queryTiles(g, querySide, kQ, spec.shape.dQk, maps), keyTiles(g, keySide, kK, spec.shape.dQk, maps),
      valueTiles(g, keySide, kV, spec.shape.dV, maps), groupSide(view, false, kGroupRows, spec.isHopper),
      outType(g.tileType(cut.rows(), spec.shape.dV, elementOf(k, kOut))),
      producers(isBulk() ? cut.producers() : kGroupThreads),
      queriesAt(layout.take(cut.queryStages * queryTiles.bytes(), kTileAlignment)),
      keysAt(layout.take(cut.keyStages * keyTiles.bytes(), kTileAlignment)),
      valuesAt(layout.take(cut.keyStages * valueTiles.bytes(), kTileAlignment)),
      // Outputs leave through the queries' place if they have its form.
      outsAt(spec.continues || outType != queryTiles.type
                 ? layout.take(cut.queryStages * outType.bytes(), kTileAlignment)
                 : queriesAt),
      queryRing(layout, cut.queryStages), keyRing(layout, cut.keyStages), valueRing(layout, cut.keyStages) {
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
    queryRing.init(g, queryTiles.isBulk() ? 1 : producers, cut.groups);
    keyRing.init(g, keyTiles.isBulk() ? 1 : producers, empty);
    valueRing.init(g, valueTiles.isBulk() ? 1 : producers, empty);
    if (spec.isHopper) dgpu::MBarrierFenceOp::create(g.b, g.loc);
  });
  // A value that a copy leaves as it is meets a probability of 0: it must be a number.
  if (keySide.leavesRows()) {
    clear(valuesAt, cut.keyStages * valueTiles.bytes());
    fenceAsync();
  }
  gpu::BarrierOp::create(g.b, g.loc);
}

void ForwardKernel::clear(int64_t offset, int64_t bytes) const {
  constexpr int64_t kLanes = 4;
  Value array = g.array(bytes / 4, g.b.getF32Type(), g.i32(offset)),
        zero = g.splat(g.vector({kLanes}, g.b.getF32Type()), 0.0);
  g.loop(g.thread, g.i32(bytes / (4 * kLanes)), threads(), {}, [&](Value i, ValueRange) {
    g.store(zero, array, {g.toIndex(g.mul(i, kLanes))}, 16);
    return SmallVector<Value>();
  });
}

//===-- items
//-------------------------------------------------------------------------------------------------------===//

/// Calls `body` with each of the block's items that exists, with the number of items and of key tiles before
/// it.
void ForwardKernel::forEachItem(llvm::function_ref<void(const Item &, Value, Value)> body) const {
  enum { kTile, kBatch, kSlice, kHead };
  int64_t extents[] = {spec.tiles, spec.shape.batch, spec.slices, int64_t(spec.view.getHeads().size())};
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
    Value head = small(k.headAt(spec.view.getHeads(), at[kHead])), slice = at[kSlice];
    Item item;
    // The last rows have the most keys to meet: they come first.
    Value first = small(k.apply((-k.dim(0) + (spec.tiles - 1)) * cut.rows(), at[kTile]));
    item.queries = {at[kBatch], head, slice, first, querySide.extent(head, slice)};
    item.keys = keySide.extent(head, slice);
    Value last =
        k.min(k.apply(k.dim(0) + (cut.rows() - 1), first), k.apply(k.dim(0) - 1, item.queries.extent));
    ViewInKernel::Range range = querySide.meets(head, slice, first, last, item.keys);
    item.tileFrom = g.toI32(k.apply(k.dim(0).floorDiv(cut.columns), range.from));
    Value end = g.toI32(k.apply(k.dim(0).ceilDiv(cut.columns), range.to));
    item.tileTo = g.select(k.less(range.from, range.to), end, item.tileFrom);
    Value exists = g.both(k.less(number, k.index(spec.items())), k.less(first, item.queries.extent));
    if (!view.view.slices.isConstant())
      exists = g.both(exists, k.less(slice, k.apply(view.view.slices, head)));
    return g.choose(
        exists, {zero.getType(), zero.getType()},
        [&] {
          body(item, carried[0], carried[1]);
          return SmallVector<Value>{g.add(carried[0], 1),
                                    g.add(carried[1], g.sub(item.tileTo, item.tileFrom))};
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

TilePlace ForwardKernel::keyPlace(const Item &item, Value tile) const {
  return {item.queries.batch, item.queries.head, item.queries.slice,
          small(k.apply(k.dim(0) * cut.columns, g.toIndex(tile))), item.keys};
}

Value ForwardKernel::at(int64_t offset, const ActivationTiles &tiles, const Ring::Slot &slot) const {
  return g.add(g.mul(slot.number, tiles.bytes()), offset);
}
Value ForwardKernel::outAt(const Ring::Slot &slot) const {
  return g.add(g.mul(slot.number, outType.bytes()), outsAt);
}

//===-- producers
//---------------------------------------------------------------------------------------------------===//

void ForwardKernel::produce() const {
  auto all = [&] {
    forEachItem([&](const Item &item, Value count, Value step) {
      Ring::Slot slot = queryRing.slot(g, count);
      SmallVector<std::pair<const ActivationTiles *, Value>> tiles{
          {&queryTiles, at(queriesAt, queryTiles, slot)}};
      if (outTiles) tiles.push_back({&*outTiles, outAt(slot)});
      bring(queryTiles.isBulk(), queryRing, slot, tiles, item.queries);
      g.loop(item.tileFrom, item.tileTo, 1, {}, [&](Value tile, ValueRange) {
        Value use = g.add(step, g.sub(tile, item.tileFrom));
        TilePlace place = keyPlace(item, tile);
        Ring::Slot keySlot = keyRing.slot(g, use);
        bring(keyTiles.isBulk(), keyRing, keySlot, {{&keyTiles, at(keysAt, keyTiles, keySlot)}}, place);
        bring(valueTiles.isBulk(), valueRing, keySlot, {{&valueTiles, at(valuesAt, valueTiles, keySlot)}},
              place);
        return SmallVector<Value>();
      });
    });
  };
  // Where everything is a bulk copy one thread does it all.
  if (isBulk())
    g.when(g.equal(g.thread, cut.groups * kGroupThreads), all);
  else
    all();
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

//===-- consumers
//---------------------------------------------------------------------------------------------------===//

Value ForwardKernel::pack(Value fragment) const {
  auto type = cast<VectorType>(fragment.getType());
  return arith::TruncFOp::create(g.b, g.loc, g.vector(type.getShape(), outType.getElementType()), fragment);
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
  Ring::Slot slot = queryRing.slot(g, count);
  Rows rows = rowsOf(item, slot);
  queryRing.waitFull(g, slot);
  rows.queries = g.groupRows(g.tile(queryTiles.type, at(queriesAt, queryTiles, slot)), groupRow());
  if (cut.queriesInRegisters) rows.queries = loadQueries(rows.queries);
  skip(item.tileFrom, rows.tileFrom, item, step);
  Sums sums = meetTiles(rows, item, step);
  skip(rows.tileTo, item.tileTo, item, step);
  finish(item, rows, slot, sums);
}

Value ForwardKernel::loadQueries(Value tile) const {
  auto fragment = g.vector({spec.shape.dQk / 8, 2, 2}, outType.getElementType());
  return dgpu::LoadFragmentOp::create(g.b, g.loc, fragment, cast<TypedValue<dgpu::TileType>>(tile));
}

/// The thread's two rows of its group's 64 are 16 warp + lane / 4, and 8 further on.
ForwardKernel::Rows ForwardKernel::rowsOf(const Item &item, const Ring::Slot &) const {
  const TilePlace &own = item.queries;
  Rows rows;
  Value inGroup = g.add(g.mul(g.div(g.threadInGroup(), kWarpThreads), 16), g.div(g.lane(), 4));
  Value row = groupRow();
  auto after = [&](Value x) { return small(arith::AddIOp::create(g.b, g.loc, own.first, g.toIndex(x))); };
  SmallVector<Value> low, high;
  for (int r : {0, 1}) {
    Value x = after(g.add(g.add(row, inGroup), 8 * r));
    rows.exists[r] = k.less(x, own.extent);
    // Rows that do not exist take the last one's place; what comes out of them is not stored.
    x = small(k.min(x, k.apply(k.dim(0) - 1, own.extent)));
    ViewInKernel::Range range = querySide.meets(own.head, own.slice, x, x, item.keys);
    low.push_back(g.toI32(range.from)), high.push_back(g.toI32(range.to));
    rows.position[r] = k.apply(querySide.position(), {own.head, own.slice, x});
    if (spec.continues)
      rows.lse[r] = memref::LoadOp::create(g.b, g.loc, k.kernel.memref(kLse),
                                           ValueRange{own.batch, own.head, rows.position[r]});
  }
  auto pairType = g.vector({2, 1}, g.b.getI32Type());
  rows.low = vector::FromElementsOp::create(g.b, g.loc, pairType, low);
  rows.high = vector::FromElementsOp::create(g.b, g.loc, pairType, high);

  Value first = after(row),
        last = k.min(k.apply(k.dim(0) + (kGroupRows - 1), first), k.apply(k.dim(0) - 1, own.extent));
  ViewInKernel::Range range = querySide.meets(own.head, own.slice, first, last, item.keys);
  rows.wholeFrom = g.toI32(range.wholeFrom), rows.wholeTo = g.toI32(range.wholeTo);
  Value meets = g.both(k.less(first, own.extent), k.less(range.from, range.to));
  auto tileOf = [&](AffineExpr e, Value x) { return g.toI32(k.apply(e, x)); };
  rows.tileFrom = g.select(meets, tileOf(k.dim(0).floorDiv(cut.columns), range.from), item.tileFrom);
  rows.tileTo = g.select(meets, tileOf(k.dim(0).ceilDiv(cut.columns), range.to), item.tileFrom);
  return rows;
}

/// Tiles that other groups of the block meet: this one only says that it is done with them.
void ForwardKernel::skip(Value from, Value to, const Item &item, Value step) const {
  if (cut.groups == 1) return;
  g.loop(from, to, 1, {}, [&](Value tile, ValueRange) {
    Ring::Slot slot = keyRing.slot(g, g.add(step, g.sub(tile, item.tileFrom)));
    for (const Ring *ring : {&keyRing, &valueRing}) {
      ring->waitFull(g, slot);
      ring->release(g, slot);
    }
    return SmallVector<Value>();
  });
}

Value ForwardKernel::startScores(const Rows &rows, const Ring::Slot &slot) const {
  keyRing.waitFull(g, slot);
  auto keys = g.tile(keyTiles.type, at(keysAt, keyTiles, slot));
  auto type = g.accumulator(cut.columns);
  if (!spec.isHopper) {
    Value queries = cut.queriesInRegisters ? rows.queries : loadQueries(rows.queries);
    return dgpu::MmaSyncOp::create(g.b, g.loc, type, queries, keys, Value(), /*transpose_b=*/true);
  }
  return dgpu::WgmmaOp::create(g.b, g.loc, type, rows.queries, keys, Value(), /*transpose_a=*/false,
                               /*transpose_b=*/true);
}

Value ForwardKernel::startOutputs(Value probabilities, const Ring::Slot &slot, Value out) const {
  valueRing.waitFull(g, slot);
  auto values = g.tile(valueTiles.type, at(valuesAt, valueTiles, slot));
  auto type = g.accumulator(spec.shape.dV);
  if (!spec.isHopper) return dgpu::MmaSyncOp::create(g.b, g.loc, type, probabilities, values, out, false);
  return dgpu::WgmmaOp::create(g.b, g.loc, type, probabilities, values, out, false, false);
}

/// Scores with -inf where a row does not meet a slot.
Value ForwardKernel::masked(Value scores, const Rows &rows, Value tile) const {
  auto type = cast<VectorType>(scores.getType());
  if (spec.shape.scale < 0) scores = arith::NegFOp::create(g.b, g.loc, scores);
  if (spec.shape.scale == 0) scores = g.splat(type, 0);
  // A lower bound that is 0 for all rows masks nothing.
  bool hasLow = llvm::any_of(querySide.lower().getResults(), [](AffineExpr e) {
    auto constant = dyn_cast<AffineConstantExpr>(e);
    return !constant || constant.getValue() > 0;
  });
  Value start = g.mul(tile, cut.columns);
  Value isWhole = g.compare(arith::CmpIPredicate::sle, g.add(start, cut.columns), rows.wholeTo);
  if (hasLow) isWhole = g.both(isWhole, g.compare(arith::CmpIPredicate::sle, rows.wholeFrom, start));
  auto select = [&] {
    SmallVector<int32_t> columns; // of the first lane of four
    for (int32_t j = 0; j < type.getDimSize(0); ++j)
      for (int32_t offset : {0, 1, 0, 1}) columns.push_back(8 * j + offset);
    auto integers = g.vector(type.getShape(), g.b.getI32Type());
    Value column =
        arith::ConstantOp::create(g.b, g.loc, DenseElementsAttr::get(integers, ArrayRef<int32_t>(columns)));
    Value mine = vector::BroadcastOp::create(g.b, g.loc, rows.low.getType(),
                                             g.add(start, g.mul(g.rem(g.thread, 4), 2)));
    Value inside = g.compare(arith::CmpIPredicate::slt, column, g.spread(g.sub(rows.high, mine), integers));
    if (hasLow)
      inside = g.both(
          inside, g.compare(arith::CmpIPredicate::sge, column, g.spread(g.sub(rows.low, mine), integers)));
    return SmallVector<Value>{
        g.select(inside, scores, g.splat(type, -std::numeric_limits<double>::infinity()))};
  };
  return g.choose(isWhole, TypeRange(type), [&] { return SmallVector<Value>{scores}; }, select)[0];
}

/// The softmax over the group's tiles. While the scores of a tile are computed, so is the output of the tile
/// before.
ForwardKernel::Sums ForwardKernel::meetTiles(const Rows &rows, const Item &item, Value step) const {
  auto slotOf = [&](Value tile) { return keyRing.slot(g, g.add(step, g.sub(tile, item.tileFrom))); };
  auto unpack = [](ValueRange v) { return Sums{v[0], {{v[1], v[2]}, {v[3], v[4]}}}; };
  auto list = [](const Sums &s) {
    return SmallVector<Value>{s.out, s.state.greatest[0], s.state.greatest[1], s.state.sum[0],
                              s.state.sum[1]};
  };
  auto scoresOf = [&](Value tile) {
    Ring::Slot slot = slotOf(tile);
    Value scores = wait(startScores(rows, slot), 0);
    keyRing.release(g, slot);
    return masked(scores, rows, tile);
  };
  bool isOneTile = spec.keys <= cut.columns;
  Sums none{g.splat(g.accumulator(spec.shape.dV), 0), softmax.nothing()};
  auto meet = [&]() -> SmallVector<Value> {
    FragmentSoftmax::Step first = softmax.meet(scoresOf(rows.tileFrom), none.state);
    Value probabilities = pack(first.probabilities), last = rows.tileFrom;
    Sums sums{isOneTile ? Value() : none.out, first.state};
    if (!isOneTile) {
      SmallVector<Value> inits = list(sums);
      inits.push_back(probabilities);
      auto results =
          g.loop(g.add(rows.tileFrom, 1), rows.tileTo, 1, inits, [&](Value tile, ValueRange carried) {
            Sums before = unpack(carried);
            Ring::Slot slot = slotOf(tile), slotBefore = slotOf(g.add(tile, -1));
            Value scores = startScores(rows, slot);
            Value out = startOutputs(carried[5], slotBefore, before.out);
            scores = wait(scores, 1);
            keyRing.release(g, slot);
            FragmentSoftmax::Step next = softmax.meet(masked(scores, rows, tile), before.state);
            Value packed = pack(next.probabilities);
            out = wait(out, 0);
            valueRing.release(g, slotBefore);
            SmallVector<Value> carry = list({softmax.scaleRows(out, next.rescale), next.state});
            carry.push_back(packed);
            return carry;
          });
      sums = unpack(results);
      probabilities = results[5];
      last = g.add(rows.tileTo, -1);
    }
    Ring::Slot slot = slotOf(last);
    sums.out = wait(startOutputs(probabilities, slot, sums.out), 0);
    valueRing.release(g, slot);
    return list(sums);
  };
  SmallVector<Value> empty = list(none);
  return unpack(g.choose(g.less(rows.tileFrom, rows.tileTo), TypeRange(ValueRange(empty)), meet,
                         [&] { return empty; }));
}

/// Outputs divided by their sums, joined with those that were there; and lse.
Value ForwardKernel::finishOutputs(const Rows &rows, const Ring::Slot &slot, const Sums &sums,
                                   RowPair &lse) const {
  auto zero = softmax.constant(0), minusInfinity = softmax.constant(-std::numeric_limits<double>::infinity());
  auto exp2 = [&](Value x) { return dgpu::Exp2Op::create(g.b, g.loc, x).getResult(); };
  RowPair total = softmax.acrossLanes(sums.state.sum, false), weight, before;
  for (int r : {0, 1}) {
    Value greatest = g.mulf(sums.state.greatest[r], softmax.constant(factor()));
    // 0 * -inf is no number.
    greatest = g.select(softmax.isNegativeInfinity(sums.state.greatest[r]), minusInfinity, greatest);
    Value sum = total[r], mine, old;
    if (spec.continues) {
      Value lseBefore = g.mulf(rows.lse[r], softmax.constant(kLog2E));
      Value most = arith::MaxNumFOp::create(g.b, g.loc, greatest, lseBefore);
      Value shift = g.select(softmax.isNegativeInfinity(most), zero, most);
      mine = exp2(g.subf(greatest, shift)), old = exp2(g.subf(lseBefore, shift));
      sum = g.fma(sum, mine, old);
      greatest = most;
    }
    Value isEmpty = arith::CmpFOp::create(g.b, g.loc, arith::CmpFPredicate::OEQ, sum, zero);
    Value inverse = g.select(isEmpty, zero, dgpu::RcpOp::create(g.b, g.loc, sum));
    Value logarithm = arith::AddFOp::create(g.b, g.loc, greatest, dgpu::Log2Op::create(g.b, g.loc, sum));
    lse[r] = g.select(isEmpty, minusInfinity, g.mulf(logarithm, softmax.constant(kLn2)));
    weight[r] = mine ? g.mulf(mine, inverse) : inverse;
    before[r] = old ? g.mulf(old, inverse) : Value();
  }
  Value out = softmax.scaleRows(sums.out, weight);
  if (!spec.continues) return out;
  auto type = cast<VectorType>(out.getType());
  auto part = g.groupRows(g.tile(outType, outAt(slot)), groupRow());
  Value old =
      dgpu::LoadFragmentOp::create(g.b, g.loc, g.vector(type.getShape(), outType.getElementType()), part);
  return g.fma(arith::ExtFOp::create(g.b, g.loc, type, old), softmax.spreadRows(before, type), out);
}

void ForwardKernel::finish(const Item &item, const Rows &rows, const Ring::Slot &slot,
                           const Sums &sums) const {
  RowPair lse;
  Value out = pack(finishOutputs(rows, slot, sums, lse));
  // Each warp has read its own rows of what stood there.
  dgpu::StoreFragmentOp::create(g.b, g.loc, out, g.groupRows(g.tile(outType, outAt(slot)), groupRow()));
  for (int r : {0, 1})
    g.when(g.both(rows.exists[r], g.equal(g.rem(g.thread, 4), 0)), [&] {
      memref::StoreOp::create(g.b, g.loc, lse[r], k.kernel.memref(kLse),
                              ValueRange{item.queries.batch, item.queries.head, rows.position[r]});
    });
  storeOutputs(item, slot);
}

/// Writes the group's outputs from shared memory and gives the place back.
void ForwardKernel::storeOutputs(const Item &item, const Ring::Slot &slot) const {
  Value place = outAt(slot);
  if (!outStore) {
    groupBarrier();
    RowCopy{g, querySide, k.kernel.memref(kOut), outType}.toGlobal(item.queries, place, groupRow());
  }
  // Bulk copies come next to where threads have read and written.
  fenceAsync();
  groupBarrier();
  g.when(g.equal(g.threadInGroup(), 0), [&] {
    if (outStore) {
      TilePlace rows = item.queries;
      rows.first = small(arith::AddIOp::create(g.b, g.loc, rows.first, g.toIndex(groupRow())));
      g.when(k.less(rows.first, rows.extent), [&] {
        outStore->storeBulk(rows, g.add(place, g.mul(groupRow(), outType.getSwizzle())), outType.getPitch());
        dgpu::BulkCommitOp::create(g.b, g.loc);
        dgpu::BulkWaitOp::create(g.b, g.loc, 0, /*read=*/true);
      });
    }
    dgpu::MBarrierArriveOp::create(g.b, g.loc, queryRing.emptyBarrier(g, slot), Value());
  });
}

} // namespace drawloom::attention
