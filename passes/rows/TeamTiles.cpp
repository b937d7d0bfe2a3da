// Rows that come in tiles: a kernel brings some of what its rows are made of to shared memory, a tile of rows
// for each warp, and the warp's teams take the tile's rows in turn.
//
// Few warps run at once, so each works on several rows at a time, level by level: sums along one row go
// through its lanes while another's are computed. What rows load from global memory is asked for a batch of
// rows ahead, across tiles too.
#include "passes/rows/TeamEmitter.h"

using namespace mlir;

namespace drawloom::rows {
namespace {

/// Rows of a team at a time, and registers of a thread that hold rows ahead: 8 warps have room for more.
constexpr int64_t kMostTogether = 4;
int64_t mostTogether(const TeamShape &shape) { return shape.threads <= 8 * kWarp ? kMostTogether : 2; }
int64_t mostRegisters(const TeamShape &shape) { return shape.threads <= 8 * kWarp ? 40 : 16; }

} // namespace

void TeamEmitter::exchange(RowState &state) {
  std::swap(row, state.row);
  std::swap(active, state.active);
  std::swap(ahead, state.ahead);
  std::swap(scalars, state.scalars);
  std::swap(done, state.done);
}

/// Rows that a team works on at a time: a power of two.
int64_t TeamEmitter::batchRows() const {
  int64_t rows = std::min(mostTogether(shape), rowsOfTile * shape.team / kWarp);
  while (rows > 1 && registersOf(loadedParts()) * rows > mostRegisters(shape)) rows /= 2;
  return rows;
}

Value TeamEmitter::teamInWarp(OpBuilder &b) {
  return GpuBlock{b, *where}.rem(teamNumber, kWarp / shape.team);
}

/// The team's `number`-th row from row `first` of the warp on.
TeamEmitter::RowState TeamEmitter::stateOf(OpBuilder &b, Value first, int64_t number, bool isWhole) {
  GpuBlock block{b, *where};
  RowState state;
  state.row = block.add(block.add(first, teamInWarp(b)), block.index(number * (kWarp / shape.team)));
  if (isWhole) return state;
  state.active = block.less(state.row, block.index(space.rows));
  state.row = block.min(state.row, block.index(space.rows - 1));
  return state;
}

/// The parts of the batch of rows from `first` on, row by row. Rows that do not exist give the last one's.
SmallVector<Value> TeamEmitter::loadBatch(OpBuilder &b, Value first) {
  SmallVector<Part> parts = loadedParts();
  SmallVector<Value> values;
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

SmallVector<Value> TeamEmitter::startTiles(OpBuilder &b, Location loc, int64_t tileRows, Value first) {
  where = loc;
  rowsOfTile = tileRows;
  findThread(b);
  Totals carried = zeroSums(b);
  llvm::append_range(carried, loadBatch(b, first));
  return carried;
}

SmallVector<Value> TeamEmitter::emitTile(OpBuilder &b, Value first, Value next, bool isWhole,
                                         ValueRange carried) {
  GpuBlock outside{b, *where};
  loadVectors(b);
  int64_t batch = batchRows(), step = batch * (kWarp / shape.team);
  auto loop = scf::ForOp::create(b, *where, outside.index(0), outside.index(rowsOfTile), outside.index(step),
                                 carried);
  OpBuilder inner = OpBuilder::atBlockBegin(loop.getBody());
  GpuBlock block{inner, *where};
  Value offset = block.add(loop.getInductionVar(), block.index(step));
  Value isInside = block.less(offset, block.index(rowsOfTile));
  Value from = arith::SelectOp::create(inner, *where, isInside, block.add(first, offset), next);
  SmallVector<Value> nextParts = loadBatch(inner, from);

  SmallVector<Part> parts = loadedParts();
  unsigned number = carried.size() - nextParts.size();
  takeSums(loop.getRegionIterArgs());
  SmallVector<RowState, kMostTogether> rows;
  for (int64_t k = 0; k < batch; ++k) {
    RowState state = stateOf(inner, block.add(first, loop.getInductionVar()), k, isWhole);
    for (Part part : parts) state.ahead[part] = loop.getRegionIterArg(number++);
    rows.push_back(std::move(state));
  }
  emitTogether(inner, rows);
  Totals after = sumsNow();
  llvm::append_range(after, nextParts);
  if (!after.empty()) scf::YieldOp::create(inner, *where, after);
  return loop.getResults();
}

void TeamEmitter::finishTiles(OpBuilder &b, Value number, ValueRange carried,
                              function_ref<void(GpuBlock)> barrier) {
  if (!sumsOverRows()) return;
  item = number;
  combineSums(b, carried.drop_back(loadedParts().size() * batchRows()), barrier);
}

} // namespace drawloom::rows
