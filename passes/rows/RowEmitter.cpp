#include "passes/rows/RowEmitter.h"
#include "passes/rows/Chunks.h"
#include "passes/rows/VectorMath.h"

using namespace mlir;

namespace drawloom::rows {

/// Stack memory for values that a later loop reads again; an eighth of what the ABI grants a kernel.
static constexpr int64_t kMaxStackBytes = 512 << 10;

static Value indexConstant(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

//===-- which loops, and what later loops read back -----------------------------------------------===//

RowEmitter::Loop &RowEmitter::loopOf(Node *columns) {
  for (Loop &loop : loops)
    if (loop.level == columns->level && loop.width == columns->width) return loop;
  loops.push_back({columns->level, columns->width, {}, {}, {}});
  return loops.back();
}

bool RowEmitter::giveStorage(Node *node) {
  if (node->storage) return true;
  for (const Sink &sink : program.getSinks())
    if (sink.node == node && !sink.accumulate) {
      node->storage = sink.access;
      return true;
    }
  int64_t bytes = ceilDiv(node->width * 4, 64) * 64;
  if (stackBytes + bytes > kMaxStackBytes) {
    recomputed = true;
    return false;
  }
  stackBytes += bytes;
  node->storage = Access{nullptr, Access::Kind::Shared}; // memory follows in `emit`
  buffered.push_back(node);
  return true;
}

/// Walks what `loop` must compute to have `node`.
void RowEmitter::demand(Node *node, Loop &loop, llvm::DenseSet<Node *> &visited) {
  if (node->isScalar() || node->kind == Node::Kind::Load || !visited.insert(node).second) return;
  if (node->level < loop.level && giveStorage(node)) return;
  loop.wide |= node->wide;
  for (Node *arg : node->args) demand(arg, loop, visited);
}

void RowEmitter::planLoops() {
  for (Node *node : program.liveNodes())
    if (node->kind == Node::Kind::Reduce) loopOf(node->args[0]).reductions.push_back(node);
  for (const Sink &sink : program.getSinks())
    if (!sink.node->isScalar()) loopOf(sink.node).sinks.push_back(sink);
  llvm::sort(loops, [](const Loop &x, const Loop &y) {
    return std::tie(x.level, x.width) < std::tie(y.level, y.width);
  });
  // Last level first: what it demands of earlier levels becomes something that those must store. The loop
  // that stores a value exists already, since something at its level (a reduction) made the later level
  // necessary, or is added.
  for (int level = loops.empty() ? -1 : loops.back().level; level >= 0; --level) {
    for (size_t i = 0; i < loops.size(); ++i) {
      if (loops[i].level != level) continue;
      size_t alreadyBuffered = buffered.size();
      llvm::DenseSet<Node *> visited;
      for (Node *reduce : loops[i].reductions) demand(reduce->args[0], loops[i], visited);
      for (const Sink &sink : loops[i].sinks) demand(sink.node, loops[i], visited);
      for (Node *node : loops[i].stored) demand(node, loops[i], visited);
      for (size_t k = alreadyBuffered; k < buffered.size(); ++k) {
        Node *node = buffered[k]; // `loopOf` may move the loops
        loopOf(node).stored.push_back(node);
      }
    }
  }
  llvm::sort(loops, [](const Loop &x, const Loop &y) {
    return std::tie(x.level, x.width) < std::tie(y.level, y.width);
  });
}

//===-- items and rows ----------------------------------------------------------------------------===//

void RowEmitter::emit(OpBuilder &b, Location loc, Value begin, Value end) {
  where = loc;
  planLoops();
  for (Node *node : buffered) {
    auto type = MemRefType::get({node->width}, b.getF32Type());
    node->storage->memref = memref::AllocaOp::create(b, loc, type, ValueRange{}, b.getI64IntegerAttr(64));
  }
  Value one = indexConstant(b, loc, 1);
  auto items = scf::ForOp::create(b, loc, begin, end, one);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(items.getBody());
  emitItem(b, items.getInductionVar());
}

void RowEmitter::emitItem(OpBuilder &b, Value item) {
  Location loc = *where;
  clearAccumulators(b, item);
  if (space.perItem == 1) return emitRow(b, item, item);
  Value perItem = indexConstant(b, loc, space.perItem);
  Value first = arith::MulIOp::create(b, loc, item, perItem);
  Value last = arith::AddIOp::create(b, loc, first, perItem);
  if (space.rows % space.perItem)
    last = arith::MinSIOp::create(b, loc, last, indexConstant(b, loc, space.rows));
  auto rows = scf::ForOp::create(b, loc, first, last, indexConstant(b, loc, 1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(rows.getBody());
  emitRow(b, rows.getInductionVar(), item);
}

/// Sets the work item's row of every accumulating sink to zero.
void RowEmitter::clearAccumulators(OpBuilder &b, Value item) {
  this->item = item;
  Location loc = *where;
  for (const Sink &sink : program.getSinks()) {
    if (!sink.accumulate) continue;
    Value zero = vecmath::constant(b, loc, VectorType::get({lanes}, b.getF32Type()), 0.0);
    int64_t width = sink.node->width, full = width / lanes * lanes;
    auto clear = [&](OpBuilder &at, Value column, Value mask) {
      TileContext context{at, loc, row, column, 1, lanes};
      storeTile(sink.access, context, mask, {zero}, false);
    };
    if (full) {
      auto loop = scf::ForOp::create(b, loc, indexConstant(b, loc, 0), indexConstant(b, loc, full),
                                     indexConstant(b, loc, lanes));
      OpBuilder inner = OpBuilder::atBlockBegin(loop.getBody());
      clear(inner, loop.getInductionVar(), nullptr);
    }
    if (width > full)
      clear(b, indexConstant(b, loc, full),
            vector::ConstantMaskOp::create(b, loc, VectorType::get({lanes}, b.getI1Type()),
                                           ArrayRef<int64_t>{width - full}));
  }
}

void RowEmitter::emitRow(OpBuilder &b, Value row, Value item) {
  this->row = row;
  this->item = item;
  scalars.clear();
  if (space.isFlat())
    flatBase = arith::MulIOp::create(b, *where, row, indexConstant(b, *where, space.flatChunk));
  int levels = 0;
  for (Node *node : program.liveNodes()) levels = std::max(levels, node->level);
  for (int level = 0; level <= levels; ++level) {
    emitScalars(b, level);
    for (Loop &loop : loops)
      if (loop.level == level) emitLoop(b, loop);
  }
}

void RowEmitter::emitScalars(OpBuilder &b, int level) {
  for (Node *node : program.liveNodes()) {
    if (!node->isScalar() || node->level != level || node->kind == Node::Kind::Reduce) continue;
    if (node->kind == Node::Kind::ScalarLoad) {
      scalars[node] = memref::LoadOp::create(b, *where, node->access.memref, ValueRange{row});
      continue;
    }
    SmallVector<Value> args;
    for (Node *arg : node->args) args.push_back(scalars.lookup(arg));
    scalars[node] = node->scalar({b, *where}, row, args);
  }
  for (const Sink &sink : program.getSinks())
    if (sink.node->isScalar() && sink.node->level == level)
      memref::StoreOp::create(b, *where, scalars.lookup(sink.node), sink.access.memref, ValueRange{row});
}

//===-- a loop over the columns -------------------------------------------------------------------===//

void RowEmitter::emitLoop(OpBuilder &b, Loop &loop) {
  Location loc = *where;
  int64_t step = lanes * (loop.wide ? 4 : 1);
  SmallVector<Value> totals;
  for (Node *reduce : loop.reductions) {
    double identity = reduce->reduction == Reduction::Sum ? 0.0 : -std::numeric_limits<double>::infinity();
    totals.push_back(vecmath::constant(b, loc, VectorType::get({lanes}, b.getF32Type()), identity));
  }
  // Whole steps. The last chunk of a flat program may have fewer of them.
  int64_t full = loop.width / step * step, tail = loop.width - full;
  Value upper = indexConstant(b, loc, full);
  Value isLast;
  if (space.isFlat() && space.flatElements % loop.width) {
    int64_t columns = space.flatElements % loop.width;
    tail = columns % step;
    isLast =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, row, indexConstant(b, loc, space.rows - 1));
    upper = arith::SelectOp::create(b, loc, isLast, indexConstant(b, loc, columns - tail), upper);
  }
  if (full) {
    auto columns =
        scf::ForOp::create(b, loc, indexConstant(b, loc, 0), upper, indexConstant(b, loc, step), totals);
    OpBuilder inner = OpBuilder::atBlockBegin(columns.getBody());
    auto next = emitTile(inner, loop, columns.getInductionVar(), step, columns.getRegionIterArgs());
    // The builder of an scf.for without results has made its terminator already.
    if (!totals.empty()) scf::YieldOp::create(inner, loc, next);
    totals.assign(columns.getResults().begin(), columns.getResults().end());
  }
  if (tail && isLast) {
    auto last = scf::IfOp::create(b, loc, isLast, /*withElseRegion=*/false);
    OpBuilder inner = OpBuilder::atBlockBegin(last.thenBlock());
    emitTile(inner, loop, upper, tail, {});
  } else if (tail) {
    totals = emitTile(b, loop, upper, tail, totals);
  }
  for (auto [reduce, total] : llvm::zip_equal(loop.reductions, totals))
    scalars[reduce] = reduceLanes(b, total, reduce->reduction);
}

SmallVector<Value> RowEmitter::emitTile(OpBuilder &b, Loop &loop, Value column, int64_t columns,
                                        ValueRange accumulators) {
  Location loc = *where;
  TileContext at{b, loc, row, column, ceilDiv(columns, lanes), lanes};
  Value mask;
  if (columns % lanes)
    mask = vector::ConstantMaskOp::create(b, loc, at.vectorOf(b.getI1Type()),
                                          ArrayRef<int64_t>{columns % lanes});
  llvm::DenseMap<Node *, Tile> done;
  SmallVector<Value> next(accumulators);
  for (auto [i, reduce] : llvm::enumerate(loop.reductions)) {
    Tile tile = evaluate(reduce->args[0], loop, at, mask, done);
    for (auto [v, value] : llvm::enumerate(tile)) {
      bool isSum = reduce->reduction == Reduction::Sum;
      if (mask && int64_t(v) + 1 == at.vectors) {
        Value neutral = vecmath::constant(b, loc, value.getType(),
                                          isSum ? 0.0 : -std::numeric_limits<double>::infinity());
        value = arith::SelectOp::create(b, loc, mask, value, neutral);
      }
      next[i] = isSum ? arith::AddFOp::create(b, loc, next[i], value).getResult()
                      : vecmath::max(b, loc, value, next[i]);
    }
  }
  // Everything is computed before anything is written, so that a result may lie over an operand.
  for (Node *node : loop.stored) evaluate(node, loop, at, mask, done);
  for (const Sink &sink : loop.sinks) evaluate(sink.node, loop, at, mask, done);
  for (Node *node : loop.stored) storeTile(*node->storage, at, mask, done[node], false);
  for (const Sink &sink : loop.sinks) storeTile(sink.access, at, mask, done[sink.node], sink.accumulate);
  return next;
}

Tile RowEmitter::evaluate(Node *node, Loop &loop, const TileContext &at, Value mask,
                          llvm::DenseMap<Node *, Tile> &done) {
  if (auto it = done.find(node); it != done.end()) return it->second;
  Tile result;
  if (node->isScalar()) {
    Value value = scalars.lookup(node);
    Value all = vector::BroadcastOp::create(at.b, at.loc, at.vectorOf(value.getType()), value);
    result.assign(at.vectors, all);
  } else if (node->kind == Node::Kind::Load) {
    result = loadTile(node->access, at, mask);
  } else if (node->level < loop.level && node->storage) {
    result = loadTile(*node->storage, at, mask);
  } else {
    SmallVector<Tile> args;
    for (Node *arg : node->args) args.push_back(evaluate(arg, loop, at, mask, done));
    result = node->tile(at, args);
  }
  done[node] = result;
  return result;
}

//===-- memory ------------------------------------------------------------------------------------===//

SmallVector<Value> RowEmitter::address(const Access &access, OpBuilder &b, Value column) {
  switch (access.kind) {
  case Access::Kind::OwnRow: return {row, column};
  case Access::Kind::Shared: return {column};
  case Access::Kind::Flat: return {arith::AddIOp::create(b, *where, flatBase, column)};
  case Access::Kind::Indexed: return {scalars.lookup(access.rowIndex), column};
  case Access::Kind::OwnItem: return {item, column};
  case Access::Kind::Scalar: return {row};
  }
  llvm_unreachable("all kinds of access are handled");
}

/// The column of the v-th vector of a tile.
static Value vectorColumn(const TileContext &at, int64_t v) {
  return v ? arith::AddIOp::create(at.b, at.loc, at.column, indexConstant(at.b, at.loc, v * at.lanes))
                 .getResult()
           : at.column;
}

Tile RowEmitter::loadTile(const Access &access, const TileContext &at, Value mask) {
  Tile result;
  VectorType type = at.vectorOf(cast<MemRefType>(access.memref.getType()).getElementType());
  for (int64_t v = 0; v < at.vectors; ++v) {
    SmallVector<Value> indices = address(access, at.b, vectorColumn(at, v));
    if (mask && v + 1 == at.vectors) {
      Value zero = vecmath::constant(at.b, at.loc, type, 0.0);
      result.push_back(vector::MaskedLoadOp::create(at.b, at.loc, type, access.memref, indices, mask, zero));
    } else {
      result.push_back(vector::LoadOp::create(at.b, at.loc, type, access.memref, indices));
    }
  }
  return result;
}

void RowEmitter::storeTile(const Access &access, const TileContext &at, Value mask, const Tile &tile,
                           bool accumulate) {
  Tile values = tile;
  if (accumulate)
    for (auto [value, old] : llvm::zip_equal(values, loadTile(access, at, mask)))
      value = arith::AddFOp::create(at.b, at.loc, old, value);
  for (auto [v, value] : llvm::enumerate(values)) {
    SmallVector<Value> indices = address(access, at.b, vectorColumn(at, v));
    if (mask && int64_t(v) + 1 == at.vectors)
      vector::MaskedStoreOp::create(at.b, at.loc, access.memref, indices, mask, value);
    else
      vector::StoreOp::create(at.b, at.loc, value, access.memref, indices);
  }
}

/// Combines the lanes as a tree: the upper half with the lower half, until one is left.
Value RowEmitter::reduceLanes(OpBuilder &b, Value vector, Reduction reduction) {
  for (int64_t half = lanes / 2; half; half /= 2) {
    auto part = [&](int64_t offset) -> Value {
      return vector::ExtractStridedSliceOp::create(b, *where, vector, ArrayRef<int64_t>{offset},
                                                   ArrayRef<int64_t>{half}, ArrayRef<int64_t>{1});
    };
    Value low = part(0), high = part(half);
    vector = reduction == Reduction::Sum ? arith::AddFOp::create(b, *where, low, high).getResult()
                                         : vecmath::max(b, *where, high, low);
  }
  return vector::ExtractOp::create(b, *where, vector, ArrayRef<int64_t>{0});
}

} // namespace drawloom::rows
