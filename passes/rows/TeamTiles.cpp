// Rows that come in tiles, some consecutive rows for each warp, whose teams take them in turn: the runs of a
// sum over rows, or what a kernel brings to shared memory of its rows.
//
// Few warps run at once, so each works on several rows at a time, level by level, if registers allow: sums
// along one row go through its lanes while another's are computed. What rows load from global memory is asked
// for a batch of rows ahead, across tiles too.
#include "passes/rows/TeamEmitter.h"

using namespace mlir;

namespace drawloom::rows {

/// Registers of sums over rows beside which there is room for rows ahead.
static constexpr int64_t kMaxSumsBesideAhead = 32;

void TeamEmitter::exchange(RowState &state) {
  std::swap(row, state.row);
  std::swap(active, state.active);
  std::swap(ahead, state.ahead);
  std::swap(scalars, state.scalars);
  std::swap(done, state.done);
}

/// What a thread loads of a row.
SmallVector<TeamEmitter::Part> TeamEmitter::loadedParts() const {
  SmallVector<Part> parts;
  for (Node *node : program.liveNodes()) {
    if (node->kind == Node::Kind::ScalarLoad) parts.push_back({node, kScalar});
    if (node->kind != Node::Kind::Load || node->access.kind != Access::Kind::OwnRow) continue;
    for (int64_t slot = 0; slot < shape.slots(node->width); ++slot) parts.push_back({node, slot});
  }
  return parts;
}

/// That hold the parts.
int64_t TeamEmitter::registersOf(ArrayRef<Part> parts) const {
  int64_t registers = 0;
  for (auto [node, slot] : parts) {
    int64_t bits = cast<MemRefType>(node->access.memref.getType()).getElementTypeBitWidth();
    registers += slot == kScalar ? 1 : shape.lanes * bits / 32;
  }
  return registers;
}

/// Rows that a team works on at a time: a power of two. Values of a row that wait for sums along it, beside
/// sums over rows, leave room for two.
int64_t TeamEmitter::batchRows() const {
  int64_t rows = shape.rowsTogether, ofTeam = tiles.rows / shape.teamsOfWarp();
  if (sumsOverRows() && levels() > 1) rows = std::min<int64_t>(rows, 2);
  while (rows > 1 && (ofTeam % rows != 0 || registersOf(loadedParts()) * rows > shape.aheadRegisters))
    rows /= 2;
  return rows;
}

/// What a thread loads of a row, if that may be done ahead.
SmallVector<TeamEmitter::Part> TeamEmitter::partsAhead() const {
  SmallVector<Part> parts = loadedParts();
  bool fits = registersOf(parts) <= shape.aheadRegisters && entries() * shape.lanes <= kMaxSumsBesideAhead;
  return fits ? parts : SmallVector<Part>();
}

/// The parts of the row that `row` is.
SmallVector<Value> TeamEmitter::loadParts(OpBuilder &b, ArrayRef<Part> parts) {
  SmallVector<Value> values;
  for (auto [node, slot] : parts)
    values.push_back(slot == kScalar
                         ? memref::LoadOp::create(b, *where, node->access.memref, ValueRange{row}).getResult()
                         : loadNarrow(b, node->access, staticSlot(b, slot, node->width)));
  return values;
}

Value TeamEmitter::teamInWarp(OpBuilder &b) {
  return GpuBlock{b, *where}.rem(teamNumber, shape.teamsOfWarp());
}

/// The team's `number`-th row from row `first` of the warp on.
TeamEmitter::RowState TeamEmitter::stateOf(OpBuilder &b, Value first, int64_t number, bool isWhole) {
  GpuBlock block{b, *where};
  RowState state;
  state.row = block.add(block.add(first, teamInWarp(b)), block.index(number * shape.teamsOfWarp()));
  if (isWhole) return state;
  state.active = block.less(state.row, tiles.end);
  state.row = block.min(state.row, block.sub(tiles.end, block.index(1)));
  return state;
}

/// The parts of the batch of rows from `first` on, row by row. Rows that do not exist give the last one's.
SmallVector<Value> TeamEmitter::loadBatch(OpBuilder &b, Value first) {
  SmallVector<Part> parts = partsAhead();
  SmallVector<Value> values;
  if (parts.empty()) return values;
  for (int64_t k = 0; k < batchRows(); ++k) {
    RowState state = stateOf(b, first, k, /*isWhole=*/false);
    exchange(state);
    llvm::append_range(values, loadParts(b, parts));
    exchange(state);
  }
  return values;
}

void TeamEmitter::emitTogether(OpBuilder &b, MutableArrayRef<RowState> rows) {
  for (int level = 0; level < levels(); ++level)
    for (RowState &state : rows) {
      exchange(state);
      emitLevel(b, level);
      exchange(state);
    }
  for (RowState &state : rows) {
    exchange(state);
    storeScalars(b);
    exchange(state);
  }
}

/// The vectors that all rows share, once a tile: a store of a row need not come before the next row's loads
/// of them then.
void TeamEmitter::loadVectors(OpBuilder &b) {
  for (Node *node : program.liveNodes())
    for (int64_t slot = 0; node->kind == Node::Kind::Load && node->access.kind == Access::Kind::Shared &&
                           slot < shape.slots(node->width);
         ++slot)
      vectors[{node, slot}] = loadNarrow(b, node->access, staticSlot(b, slot, node->width));
}

SmallVector<Value> TeamEmitter::startTiles(OpBuilder &b, Location loc, const Tiles &of, Value first,
                                           int64_t warps) {
  where = loc;
  tiles = of;
  findThread(b);
  Value zero = vecmath::constant(b, loc, b.getF32Type(), 0.0);
  SmallVector<Value> carried(entries() * totalsOfEntry(warps), zero);
  llvm::append_range(carried, loadBatch(b, first));
  return carried;
}

SmallVector<Value> TeamEmitter::emitTile(OpBuilder &b, Value first, Value next, const RunExchange *runs,
                                         ValueRange carried) {
  GpuBlock outside{b, *where};
  if (shape.keepsSharedRows) loadVectors(b);
  SmallVector<Part> parts = partsAhead();
  int64_t batch = batchRows(), step = batch * shape.teamsOfWarp();
  ValueRange totals = carried.drop_back(parts.size() * batch);
  SmallVector<Value> inits = zeroSums(b);
  llvm::append_range(inits, carried.drop_front(totals.size()));
  auto loop =
      scf::ForOp::create(b, *where, outside.index(0), outside.index(tiles.rows), outside.index(step), inits);
  OpBuilder inner = OpBuilder::atBlockBegin(loop.getBody());
  GpuBlock block{inner, *where};
  Value offset = block.add(loop.getInductionVar(), block.index(step));
  Value isInside = block.less(offset, block.index(tiles.rows));
  Value from = arith::SelectOp::create(inner, *where, isInside, block.add(first, offset), next);
  SmallVector<Value> nextParts = loadBatch(inner, from);

  unsigned number = entries();
  takeSums(loop.getRegionIterArgs());
  SmallVector<RowState, 4> rows;
  for (int64_t k = 0; k < batch; ++k) {
    RowState state = stateOf(inner, block.add(first, loop.getInductionVar()), k, tiles.isWhole);
    for (Part part : parts) state.ahead[part] = loop.getRegionIterArg(number++);
    rows.push_back(std::move(state));
  }
  emitTogether(inner, rows);
  Totals after = sumsNow();
  llvm::append_range(after, nextParts);
  if (!after.empty()) scf::YieldOp::create(inner, *where, after);
  SmallVector<Value> result;
  if (runs) result = addRuns(b, *runs, loop.getResults().take_front(entries()), totals);
  llvm::append_range(result, loop.getResults().drop_front(entries()));
  return result;
}

} // namespace drawloom::rows
