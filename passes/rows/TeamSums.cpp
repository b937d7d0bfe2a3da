// Sums over rows, in the order that TeamShape.h says: a thread keeps those of its warp's run in registers;
// then warps that have taken neighbouring runs bring them together in shared memory.
#include "passes/rows/TeamEmitter.h"

using namespace mlir;

namespace drawloom::rows {

/// Bytes of shared memory where a row kernel's runs are brought together, at most (one entry has them in any
/// case).
static constexpr int64_t kExchangeBytes = 32 << 10;

int64_t TeamEmitter::entries() const {
  int64_t count = 0;
  for (const Sink &sink : program.getSinks())
    if (sink.accumulate) count += shape.slots(sink.node->width);
  return count;
}

int64_t TeamEmitter::entriesTogether() const {
  int64_t bytes = shape.warps() * entryColumns() * 4;
  return std::clamp<int64_t>(kExchangeBytes / bytes, 1, std::max<int64_t>(1, entries()));
}

/// Columns of an entry that one of the threads adds up.
int64_t TeamEmitter::totalsOfEntry(int64_t warps) const { return ceilDiv(entryColumns(), warps * kWarp); }

TeamEmitter::Totals TeamEmitter::zeroSums(OpBuilder &b) {
  auto type = VectorType::get({shape.lanes}, b.getF32Type());
  return Totals(entries(), vecmath::constant(b, *where, type, 0.0));
}

/// The row's sums start from `values`: those of the sinks, slot by slot.
void TeamEmitter::takeSums(ValueRange values) {
  unsigned number = 0;
  for (const Sink &sink : program.getSinks())
    for (int64_t slot = 0; sink.accumulate && slot < shape.slots(sink.node->width); ++slot)
      sums[{&sink, slot}] = values[number++];
}

TeamEmitter::Totals TeamEmitter::sumsNow() {
  Totals values;
  for (const Sink &sink : program.getSinks())
    for (int64_t slot = 0; sink.accumulate && slot < shape.slots(sink.node->width); ++slot)
      values.push_back(sums.lookup({&sink, slot}));
  return values;
}

/// A tree over the teams of a warp; every team has the result.
Value TeamEmitter::addTeamsOfWarp(OpBuilder &b, Value vector) {
  GpuBlock block{b, *where};
  for (int64_t offset = shape.team; offset < kWarp; offset *= 2) {
    Value other = vector;
    for (int64_t lane = 0; lane < shape.lanes; ++lane) {
      Value own = vector::ExtractOp::create(b, *where, vector, ArrayRef<int64_t>{lane});
      other =
          vector::InsertOp::create(b, *where, block.shuffleXor(own, offset), other, ArrayRef<int64_t>{lane});
    }
    vector = math(b).add(vector, other);
  }
  return vector;
}

/// Adds the sums of the warps' runs to the thread's totals.
TeamEmitter::Totals TeamEmitter::addRuns(OpBuilder &b, const RunExchange &exchange, ValueRange runs,
                                         ValueRange totals) {
  GpuBlock block{b, *where};
  int64_t columns = entryColumns(), threads = exchange.warps * kWarp, ofEntry = totalsOfEntry(exchange.warps);
  Value own = arith::MulIOp::create(b, *where, exchange.warp, block.index(exchange.warpStride));
  own = block.add(own, block.mul(lane, shape.lanes));
  Value writes = shape.team < kWarp ? block.isZero(teamInWarp(b)) : Value();
  Totals result(totals);
  for (int64_t first = 0; first < entries(); first += exchange.together) {
    int64_t last = std::min(entries(), first + exchange.together);
    exchange.whenFree(block);
    for (int64_t entry = first; entry < last; ++entry) {
      Value sum = addTeamsOfWarp(b, runs[entry]);
      block.when(writes, [&](GpuBlock then) {
        Value at = then.add(own, then.index(exchange.offset(entry - first)));
        vector::StoreOp::create(then.b, then.loc, sum, exchange.memory, at, /*nontemporal=*/false,
                                llvm::MaybeAlign(std::min<int64_t>(16, shape.lanes * 4)));
      });
    }
    exchange.whenFull(block);
    for (int64_t entry = first; entry < last; ++entry)
      for (int64_t part = 0; part < ofEntry; ++part) {
        Value column = block.add(exchange.thread, block.index(part * threads));
        if ((part + 1) * threads > columns) column = block.min(column, block.index(columns - 1));
        Value &total = result[entry * ofEntry + part];
        for (int64_t warp = 0; warp < exchange.warps; ++warp) {
          int64_t at = exchange.offset(entry - first) + warp * exchange.warpStride;
          Value run = memref::LoadOp::create(b, *where, exchange.memory, block.add(column, block.index(at)));
          total = arith::AddFOp::create(b, *where, total, run);
        }
      }
  }
  return result;
}

void TeamEmitter::finishTiles(OpBuilder &b, Value number, Value exists, int64_t warps, Value thread,
                              ValueRange carried) {
  GpuBlock block{b, *where};
  int64_t columns = entryColumns(), threads = warps * kWarp;
  unsigned k = 0;
  for (const Sink &sink : program.getSinks())
    for (int64_t slot = 0; sink.accumulate && slot < shape.slots(sink.node->width); ++slot)
      for (int64_t part = 0; part < totalsOfEntry(warps); ++part) {
        int64_t width = sink.node->width, first = slot * columns + part * threads;
        int64_t end = std::min(width, (slot + 1) * columns);
        Value column = block.add(thread, block.index(first)), condition = exists;
        if (first + threads > end) condition = both(b, condition, block.less(column, block.index(end)));
        block.when(condition, [&, total = carried[k++]](GpuBlock then) {
          memref::StoreOp::create(then.b, then.loc, total, sink.access.memref, ValueRange{number, column});
        });
      }
}

/// Items of some runs each, which a block's warps take in turn.
void TeamEmitter::emitItemPerBlock(OpBuilder &b, Value begin, Value end) {
  auto loop = scf::ForOp::create(b, *where, begin, end, GpuBlock{b, *where}.index(1));
  OpBuilder items = OpBuilder::atBlockBegin(loop.getBody());
  GpuBlock block{items, *where};
  int64_t warps = shape.warps(), atOnce = warps * shape.rowsOfRun;
  item = loop.getInductionVar();
  Value first = block.mul(item, space.perItem), last = block.add(first, block.index(space.perItem));
  if (space.rows % space.perItem) last = block.min(last, block.index(space.rows));
  bool isWhole = space.rows % space.perItem == 0 && space.perItem % atOnce == 0;

  Value thread = block.thread(), warp = block.div(thread, kWarp);
  int64_t places = entriesTogether() * warps * entryColumns();
  auto offset = [&](int64_t entry) { return entry * warps * entryColumns(); };
  auto barrier = [](GpuBlock at) { at.barrier(); };
  RunExchange exchange{warps,
                       warp,
                       thread,
                       block.shared({places}, items.getF32Type()),
                       offset,
                       entryColumns(),
                       entriesTogether(),
                       barrier,
                       barrier};

  Value own = block.add(first, block.mul(warp, shape.rowsOfRun));
  SmallVector<Value> carried = startTiles(items, *where, Tiles{shape.rowsOfRun, last, isWhole}, own, warps);
  auto rounds = scf::ForOp::create(items, *where, block.index(0), block.index(space.perItem),
                                   block.index(atOnce), carried);
  OpBuilder inner = OpBuilder::atBlockBegin(rounds.getBody());
  GpuBlock at{inner, *where};
  Value run = at.add(own, rounds.getInductionVar()), next = at.add(run, at.index(atOnce));
  scf::YieldOp::create(inner, *where, emitTile(inner, run, next, &exchange, rounds.getRegionIterArgs()));
  finishTiles(items, item, Value(), warps, thread, rounds.getResults());
}

} // namespace drawloom::rows
