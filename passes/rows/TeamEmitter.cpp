#include "passes/rows/TeamEmitter.h"

using namespace mlir;

namespace drawloom::rows {

bool TeamEmitter::sumsOverRows() const {
  return llvm::any_of(program.getSinks(), [](const Sink &sink) { return sink.accumulate; });
}

int64_t TeamEmitter::itemsPerBlock() const { return space.isFlat() || sumsInRegisters() ? 1 : shape.teams(); }

int64_t TeamEmitter::sharedBytes() const {
  return sumsInRegisters() ? entriesTogether() * shape.warps() * entryColumns() * 4 : 0;
}

std::vector<TeamEmitter::Pass> TeamEmitter::passesOf(int level) const {
  std::vector<Pass> passes;
  auto passOf = [&](int64_t width) -> Pass & {
    for (Pass &pass : passes)
      if (pass.width == width) return pass;
    return passes.emplace_back(Pass{level, width, {}, {}});
  };
  for (Node *node : program.liveNodes())
    if (node->kind == Node::Kind::Reduce && node->args[0]->level == level)
      passOf(node->args[0]->width).reductions.push_back(node);
  for (const Sink &sink : program.getSinks())
    if (!sink.node->isScalar() && sink.node->level == level) passOf(sink.node->width).sinks.push_back(&sink);
  return passes;
}

//===-- items and rows ----------------------------------------------------------------------------===//

void TeamEmitter::findThread(OpBuilder &b) {
  GpuBlock block{b, *where};
  Value thread = block.thread();
  lane = block.rem(thread, shape.team);
  teamNumber = block.div(thread, shape.team);
}

void TeamEmitter::emit(OpBuilder &b, Location loc, Value begin, Value end) {
  where = loc;
  if (space.isFlat()) {
    auto chunks = scf::ForOp::create(b, loc, begin, end, GpuBlock{b, loc}.index(1));
    OpBuilder inner = OpBuilder::atBlockBegin(chunks.getBody());
    return emitChunk(inner, loc, chunks.getInductionVar(), GpuBlock{inner, loc}.index(space.flatElements));
  }
  findThread(b);
  if (!sumsOverRows()) return emitRowPerTeam(b, begin, end);
  if (sumsInRegisters()) return emitItemPerBlock(b, begin, end);
  emitItemPerTeam(b, begin, end);
}

void TeamEmitter::emitChunk(OpBuilder &b, Location loc, Value chunk, Value elements) {
  where = loc;
  findThread(b);
  row = item = chunk;
  flatBase = GpuBlock{b, loc}.mul(chunk, space.flatChunk);
  flatEnd = elements;
  emitRow(b);
}

/// Items are rows; a block does `teams` of them at a time.
void TeamEmitter::emitRowPerTeam(OpBuilder &b, Value begin, Value end) {
  Value step = GpuBlock{b, *where}.index(shape.teams());
  auto loop = scf::ForOp::create(b, *where, begin, end, step);
  OpBuilder inner = OpBuilder::atBlockBegin(loop.getBody());
  GpuBlock block{inner, *where};
  row = block.add(loop.getInductionVar(), teamNumber);
  if (!isAlwaysActive()) {
    active = block.less(row, end);
    row = block.min(row, block.sub(end, block.index(1)));
  }
  item = row;
  emitRow(inner);
}

/// Items are some rows each; a team does one, and adds to its row of partial sums in memory.
void TeamEmitter::emitItemPerTeam(OpBuilder &b, Value begin, Value end) {
  GpuBlock outside{b, *where};
  auto loop = scf::ForOp::create(b, *where, begin, end, outside.index(shape.teams()));
  OpBuilder items = OpBuilder::atBlockBegin(loop.getBody());
  GpuBlock block{items, *where};
  Value own = block.add(loop.getInductionVar(), teamNumber), exists = block.less(own, end);
  item = block.min(own, block.sub(end, block.index(1)));
  Value first = block.mul(item, space.perItem);
  auto rows = scf::ForOp::create(items, *where, block.index(0), block.index(space.perItem), block.index(1));
  OpBuilder inner = OpBuilder::atBlockBegin(rows.getBody());
  GpuBlock at{inner, *where};
  isFirstRow = at.isZero(rows.getInductionVar());
  row = at.add(first, rows.getInductionVar());
  active = both(inner, exists, at.less(row, at.index(space.rows)));
  row = at.min(row, at.index(space.rows - 1));
  emitRow(inner);
}

//===-- one row -----------------------------------------------------------------------------------===//

void TeamEmitter::emitRow(OpBuilder &b) {
  scalars.clear();
  done.clear();
  for (int level = 0; level < levels(); ++level) emitLevel(b, level);
  storeScalars(b);
}

int TeamEmitter::levels() const {
  int last = 0;
  for (Node *node : program.liveNodes()) last = std::max(last, node->level);
  return last + 1;
}

void TeamEmitter::emitLevel(OpBuilder &b, int level) {
  emitScalars(b, level);
  for (const Pass &pass : passesOf(level)) emitPass(b, pass);
}

void TeamEmitter::emitScalars(OpBuilder &b, int level) {
  for (Node *node : program.liveNodes()) {
    if (!node->isScalar() || node->level != level || node->kind == Node::Kind::Reduce) continue;
    if (node->kind == Node::Kind::ScalarLoad) {
      Value value = ahead.lookup({node, kScalar});
      if (!value) value = memref::LoadOp::create(b, *where, node->access.memref, ValueRange{row});
      scalars[node] = math(b).widened(value);
      continue;
    }
    SmallVector<Value> args;
    for (Node *arg : node->args) args.push_back(scalars.lookup(arg));
    scalars[node] = node->scalar(math(b), row, args);
  }
}

/// One element a row each, which the first thread of the team writes.
void TeamEmitter::storeScalars(OpBuilder &b) {
  SmallVector<const Sink *> sinks;
  for (const Sink &sink : program.getSinks())
    if (sink.node->isScalar()) sinks.push_back(&sink);
  if (sinks.empty()) return;
  GpuBlock block{b, *where};
  block.when(both(b, block.isZero(lane), active), [&](GpuBlock then) {
    for (const Sink *sink : sinks) {
      Type element = cast<MemRefType>(sink->access.memref.getType()).getElementType();
      Value value = math(then.b).narrowed(scalars.lookup(sink->node), element);
      memref::StoreOp::create(then.b, *where, value, sink->access.memref, ValueRange{row});
    }
  });
}

void TeamEmitter::emitPass(OpBuilder &b, const Pass &pass) {
  Totals totals(pass.reductions.size()); // null: nothing yet
  int64_t slots = shape.slots(pass.width);
  if (shape.unrolled || slots <= shape.together) {
    for (int64_t first = 0; first < slots; first += shape.together) {
      SmallVector<Slot> together;
      for (int64_t slot = first; slot < std::min(slots, first + shape.together); ++slot)
        together.push_back(staticSlot(b, slot, pass.width));
      totals = emitSlots(b, pass, together, totals);
    }
  } else {
    GpuBlock block{b, *where};
    int64_t columns = shape.team * shape.lanes; // of a slot
    bool isWhole = pass.width % (shape.together * columns) == 0;
    for (auto [reduce, total] : llvm::zip_equal(pass.reductions, totals))
      total = neutral(b, reduce->reduction);
    auto loop = scf::ForOp::create(b, *where, block.index(0), block.index(pass.width),
                                   block.index(shape.together * columns), totals);
    OpBuilder inner = OpBuilder::atBlockBegin(loop.getBody());
    done.clear();
    SmallVector<Slot> together;
    for (int64_t slot = 0; slot < shape.together; ++slot) {
      GpuBlock at{inner, *where};
      Value first = at.add(loop.getInductionVar(), at.index(slot * columns));
      together.push_back(slotAt(inner, first, pass.width, slot, isWhole));
    }
    Totals next = emitSlots(inner, pass, together, loop.getRegionIterArgs());
    if (!next.empty()) scf::YieldOp::create(inner, *where, next);
    totals.assign(loop.getResults().begin(), loop.getResults().end());
    done.clear();
  }
  for (auto [reduce, total] : llvm::zip_equal(pass.reductions, totals))
    scalars[reduce] = reduceTeam(b, total, reduce->reduction);
}

/// A vector that changes no total.
Value TeamEmitter::neutral(OpBuilder &b, Reduction reduction) {
  double value = reduction == Reduction::Sum ? 0.0 : -std::numeric_limits<double>::infinity();
  return vecmath::constant(b, *where, VectorType::get({shape.lanes}, b.getF32Type()), value);
}

TeamEmitter::Totals TeamEmitter::emitSlots(OpBuilder &b, const Pass &pass, ArrayRef<Slot> slots,
                                           ValueRange totals) {
  Totals next(totals);
  for (auto [i, reduce] : llvm::enumerate(pass.reductions)) {
    bool isSum = reduce->reduction == Reduction::Sum;
    for (const Slot &slot : slots) {
      Value value = evaluate(b, reduce->args[0], slot, pass.level);
      if (slot.valid) value = math(b).select(slot.valid, value, neutral(b, reduce->reduction));
      if (!next[i])
        next[i] = value;
      else
        next[i] = isSum ? math(b).add(next[i], value) : vecmath::max(b, *where, value, next[i]);
    }
  }
  // Everything is computed before anything is written, so that a result may lie over an operand.
  for (const Slot &slot : slots)
    for (const Sink *sink : pass.sinks) evaluate(b, sink->node, slot, pass.level);
  for (const Slot &slot : slots) {
    for (const Sink *sink : pass.sinks)
      if (sink->accumulate) addToSum(b, *sink, slot, evaluate(b, sink->node, slot, pass.level));
    if (llvm::all_of(pass.sinks, [](const Sink *sink) { return sink->accumulate; })) continue;
    GpuBlock{b, *where}.when(both(b, slot.valid, active), [&](GpuBlock then) {
      for (const Sink *sink : pass.sinks)
        if (!sink->accumulate) store(then.b, sink->access, slot, evaluate(b, sink->node, slot, pass.level));
    });
  }
  return next;
}

TeamEmitter::Slot TeamEmitter::staticSlot(OpBuilder &b, int64_t slot, int64_t width) {
  GpuBlock block{b, *where};
  return slotAt(b, block.index(slot * shape.team * shape.lanes), width, slot, shape.isWhole(slot, width));
}

TeamEmitter::Slot TeamEmitter::slotAt(OpBuilder &b, Value firstColumn, int64_t width, int64_t key,
                                      bool isWhole) {
  GpuBlock block{b, *where};
  Slot slot{block.add(block.mul(lane, shape.lanes), firstColumn), nullptr, key};
  if (space.isFlat()) {
    std::optional<int64_t> elements = getConstantIntValue(flatEnd);
    if (elements && *elements % space.flatChunk == 0) return slot;
    slot.valid = block.less(block.add(flatBase, slot.column), flatEnd);
  } else if (!isWhole) {
    slot.valid = block.less(slot.column, block.index(width));
    slot.column = block.min(slot.column, block.index(width - shape.lanes));
  }
  return slot;
}

Value TeamEmitter::evaluate(OpBuilder &b, Node *node, const Slot &slot, int level) {
  // Vectors of rows of different widths may stand elsewhere, so their values are told apart by the node.
  if (auto it = done.find({node, slot.key}); it != done.end()) return it->second;
  VectorType type = VectorType::get({shape.lanes}, b.getF32Type());
  Value result;
  if (node->isScalar()) {
    Value scalar = scalars.lookup(node);
    return vector::BroadcastOp::create(b, *where, type.clone(scalar.getType()), scalar);
  }
  if (node->kind == Node::Kind::Load) {
    Value loaded = ahead.lookup({node, slot.key});
    if (!loaded) loaded = vectors.lookup({node, slot.key});
    result = loaded ? math(b).widened(loaded) : load(b, node->access, slot);
  } else {
    recomputed |= node->level < level;
    SmallVector<Tile> args;
    for (Node *arg : node->args) args.push_back({evaluate(b, arg, slot, level)});
    TileContext at{b, *where, row, slot.column, 1, shape.lanes, Machine::Gpu};
    result = node->tile(at, args)[0];
  }
  done[{node, slot.key}] = result;
  return result;
}

/// Adds the lanes as a tree, then the threads of the team as a tree; every thread has the result.
Value TeamEmitter::reduceTeam(OpBuilder &b, Value vector, Reduction reduction) {
  auto combine = [&](Value x, Value y) {
    return reduction == Reduction::Sum ? math(b).add(x, y) : vecmath::max(b, *where, y, x);
  };
  for (int64_t half = shape.lanes / 2; half; half /= 2) {
    auto part = [&](int64_t offset) -> Value {
      return vector::ExtractStridedSliceOp::create(b, *where, vector, ArrayRef<int64_t>{offset},
                                                   ArrayRef<int64_t>{half}, ArrayRef<int64_t>{1});
    };
    Value low = part(0), high = part(half);
    vector = combine(low, high);
  }
  Value result = vector::ExtractOp::create(b, *where, vector, ArrayRef<int64_t>{0});
  for (int64_t offset = shape.team / 2; offset; offset /= 2)
    result = combine(result, GpuBlock{b, *where}.shuffleXor(result, offset));
  return result;
}

//===-- memory ------------------------------------------------------------------------------------===//

Value TeamEmitter::both(OpBuilder &b, Value x, Value y) {
  if (!x || !y) return x ? x : y;
  return arith::AndIOp::create(b, *where, x, y);
}

SmallVector<Value> TeamEmitter::address(OpBuilder &b, const Access &access, const Slot &slot) {
  switch (access.kind) {
  case Access::Kind::OwnRow: return {row, slot.column};
  case Access::Kind::Shared: return {slot.column};
  case Access::Kind::Flat: {
    GpuBlock block{b, *where};
    Value at = block.add(flatBase, slot.column);
    return {slot.valid ? block.min(at, block.sub(flatEnd, block.index(shape.lanes))) : at};
  }
  case Access::Kind::Indexed: return {scalars.lookup(access.rowIndex), slot.column};
  case Access::Kind::OwnItem: return {item, slot.column};
  case Access::Kind::Scalar: return {row};
  }
  llvm_unreachable("all kinds of access are handled");
}

/// Bytes by which a vector of a row is aligned: its own size, at most what one instruction moves.
static llvm::MaybeAlign alignmentOf(int64_t lanes, Type element) {
  return llvm::MaybeAlign(std::min<int64_t>(16, lanes * element.getIntOrFloatBitWidth() / 8));
}

Value TeamEmitter::loadNarrow(OpBuilder &b, const Access &access, const Slot &slot) {
  Type element = cast<MemRefType>(access.memref.getType()).getElementType();
  return vector::LoadOp::create(b, *where, VectorType::get({shape.lanes}, element), access.memref,
                                address(b, access, slot), /*nontemporal=*/false,
                                alignmentOf(shape.lanes, element));
}

Value TeamEmitter::load(OpBuilder &b, const Access &access, const Slot &slot) {
  return math(b).widened(loadNarrow(b, access, slot));
}

void TeamEmitter::store(OpBuilder &b, const Access &access, const Slot &slot, Value value) {
  Type element = cast<MemRefType>(access.memref.getType()).getElementType();
  vector::StoreOp::create(b, *where, math(b).narrowed(value, element), access.memref,
                          address(b, access, slot),
                          /*nontemporal=*/false, alignmentOf(shape.lanes, element));
}

/// Adds to what this thread has of the item's sum: in registers, or in memory (which the first row fills).
void TeamEmitter::addToSum(OpBuilder &b, const Sink &sink, const Slot &slot, Value value) {
  if (!shape.unrolled) {
    Value old = load(b, sink.access, slot);
    value = math(b).select(isFirstRow, value, math(b).add(old, value));
    return GpuBlock{b, *where}.when(both(b, slot.valid, active),
                                    [&](GpuBlock then) { store(then.b, sink.access, slot, value); });
  }
  if (active) value = math(b).select(active, value, math(b).constant(value, 0.0));
  Value &sum = sums[{&sink, slot.key}];
  sum = math(b).add(sum, value);
}

} // namespace drawloom::rows
