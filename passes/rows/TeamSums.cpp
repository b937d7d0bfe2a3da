// Items of several rows with sums over them: a block's teams take turns at the rows and keep the sums in
// registers.
//
// Few blocks run at once, since each has a row of partial sums of its own. So a team asks for its next row
// before it works on the one that it has: otherwise, with a sum along the row in between, nothing would be on
// its way most of the time.
#include "passes/rows/TeamEmitter.h"

using namespace mlir;

namespace drawloom::rows {

/// Registers of a thread that hold the next row, at most; and those of sums over rows beside which there is
/// room for them.
static constexpr int64_t kMaxAhead = 16, kMaxSumsBesideAhead = 32;

TeamEmitter::Totals TeamEmitter::zeroSums(OpBuilder &b) {
  Totals zeros;
  auto type = VectorType::get({shape.lanes}, b.getF32Type());
  for (const Sink &sink : program.getSinks())
    if (sink.accumulate) zeros.append(shape.slots(sink.node->width), vecmath::constant(b, *where, type, 0.0));
  return zeros;
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

/// What a thread loads of a row, if that may be done a row ahead.
SmallVector<TeamEmitter::Part> TeamEmitter::partsAhead() const {
  SmallVector<Part> parts = loadedParts();
  int64_t sumRegisters = 0;
  for (const Sink &sink : program.getSinks())
    if (sink.accumulate) sumRegisters += shape.slots(sink.node->width) * shape.lanes;
  if (registersOf(parts) > kMaxAhead || sumRegisters > kMaxSumsBesideAhead) return {};
  return parts;
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

/// The parts of the row that `row` is.
SmallVector<Value> TeamEmitter::loadParts(OpBuilder &b, ArrayRef<Part> parts) {
  SmallVector<Value> values;
  for (auto [node, slot] : parts)
    values.push_back(slot == kScalar
                         ? memref::LoadOp::create(b, *where, node->access.memref, ValueRange{row}).getResult()
                         : loadNarrow(b, node->access, staticSlot(b, slot, node->width)));
  return values;
}

/// Sums end in order of the teams.
void TeamEmitter::emitItemPerBlock(OpBuilder &b, Value begin, Value end) {
  auto loop = scf::ForOp::create(b, *where, begin, end, GpuBlock{b, *where}.index(1));
  OpBuilder items = OpBuilder::atBlockBegin(loop.getBody());
  GpuBlock block{items, *where};
  item = loop.getInductionVar();
  Value first = block.mul(item, space.perItem), last = block.add(first, block.index(space.perItem));
  if (space.rows % space.perItem) last = block.min(last, block.index(space.rows));
  Value final = block.sub(last, block.index(1));

  SmallVector<Part> parts = partsAhead();
  Totals carried = zeroSums(items);
  unsigned numSums = carried.size();
  row = block.min(block.add(first, teamNumber), final);
  llvm::append_range(carried, loadParts(items, parts));
  auto rows = scf::ForOp::create(items, *where, first, last, block.index(shape.teams()), carried);
  OpBuilder inner = OpBuilder::atBlockBegin(rows.getBody());
  GpuBlock at{inner, *where};
  Value own = at.add(rows.getInductionVar(), teamNumber);
  row = at.min(at.add(own, at.index(shape.teams())), final);
  SmallVector<Value> next = loadParts(inner, parts);
  row = own;
  if (!isAlwaysActive()) {
    active = at.less(row, last);
    row = at.min(row, final);
  }
  ahead.clear();
  for (auto [part, value] : llvm::zip_equal(parts, rows.getRegionIterArgs().drop_front(numSums)))
    ahead[part] = value;
  takeSums(rows.getRegionIterArgs());
  emitRow(inner);
  ahead.clear();
  Totals after = sumsNow();
  llvm::append_range(after, next);
  scf::YieldOp::create(inner, *where, after);
  combineSums(items, rows.getResults().take_front(numSums));
}

/// Writes the sum of all teams' sums to the item's row of partial sums.
void TeamEmitter::combineSums(OpBuilder &b, ValueRange sums, function_ref<void(GpuBlock)> barrier) {
  SmallVector<std::pair<const Sink *, int64_t>> places; // sink and first column
  int64_t columns = shape.team * shape.lanes;
  for (const Sink &sink : program.getSinks())
    for (int64_t slot = 0; sink.accumulate && slot < shape.slots(sink.node->width); ++slot)
      places.push_back({&sink, slot * columns});
  GpuBlock block{b, *where};
  auto write = [&](GpuBlock then, unsigned k, Value thread, Value total) {
    auto [sink, first] = places[k];
    int64_t width = sink->node->width;
    Value column = then.add(thread, then.index(first));
    then.when(first + columns > width ? then.less(column, then.index(width)) : Value(),
              [&, memref = sink->access.memref](GpuBlock owner) {
                memref::StoreOp::create(owner.b, owner.loc, total, memref, ValueRange{item, column});
              });
  };
  addAcrossTeams(block, sums, shape.teams(), columns, teamNumber, block.mul(lane, shape.lanes), write,
                 barrier);
}

} // namespace drawloom::rows
