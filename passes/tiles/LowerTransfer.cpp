// tile.load and tile.store: rows of memory, whose positions an affine map gives, to and from tiles.
#include "passes/tiles/Emitter.h"

using namespace mlir;

namespace drawloom::tiles {
namespace {

/// What a load and a store have in common.
struct Transfer {
  Value tile, memory, outer, inner;
  SmallVector<Value> at;
  Value limit; ///< null: every row exists
  AffineMap map;
  double factor;

  template <typename Op>
  Transfer(Op op, Value memory)
      : tile(op.getTile()), memory(memory), outer(op.getOuter()), inner(op.getInner()), at(op.getAt()),
        limit(op.getLimit()), map(op.getMap()), factor(op.getFactor().convertToDouble()) {}

  /// The position of row x of the tile.
  Value position(const Emitter &e, Value x) const {
    SmallVector<Value> operands = at;
    operands.back() = e.add(at.back(), x);
    return affine::AffineApplyOp::create(e.b, e.loc, map, operands);
  }

  /// How many of the tile's `rows` rows exist.
  Value count(const Emitter &e, int64_t rows) const {
    if (!limit) return e.index(rows);
    return e.min(arith::SubIOp::create(e.b, e.loc, limit, at.back()), e.index(rows));
  }

  Value scaled(const Emitter &e, Value v) const {
    if (factor == 1.0) return v;
    Value f = arith::ConstantOp::create(e.b, e.loc, e.b.getF32FloatAttr(factor));
    if (auto type = dyn_cast<VectorType>(v.getType())) f = e.splat(f, type.getNumElements());
    return arith::MulFOp::create(e.b, e.loc, v, f);
  }
};

/// Transposes a square block of vectors: stage d exchanges the blocks of d elements off the diagonal of each
/// 2d x 2d block.
Values transposed(const Emitter &e, Values rows) {
  int64_t size = rows.size();
  for (int64_t d = 1; d < size; d *= 2) {
    SmallVector<int64_t> low(size), high(size);
    for (int64_t i = 0; i < size; ++i) {
      low[i] = i & d ? size + i - d : i;
      high[i] = i & d ? size + i : i + d;
    }
    for (int64_t i = 0; i < size; ++i)
      if (!(i & d)) {
        Value x = rows[i], y = rows[i + d];
        rows[i] = vector::ShuffleOp::create(e.b, e.loc, x, y, low);
        rows[i + d] = vector::ShuffleOp::create(e.b, e.loc, x, y, high);
      }
  }
  return rows;
}

/// Square blocks that cover a [channels, rows] tile. `body(channel, row, size)`; `before(row, size)` once for
/// each group of rows.
void forEachBlock(int64_t channels, int64_t rows, const Emitter &e,
                  llvm::function_ref<void(Value, int64_t)> before,
                  llvm::function_ref<void(Value, Value, int64_t)> body) {
  SmallVector<Segment>
      runs; // equal channel segments together: offset of the first, lanes; number in `counts`
  SmallVector<int64_t> counts;
  for (Segment s : segmentsOf(channels, e.width)) {
    if (runs.empty() || runs.back().lanes != s.lanes) {
      runs.push_back(s);
      counts.push_back(0);
    }
    ++counts.back();
  }
  for (auto [run, count] : llvm::zip(runs, counts))
    for (Segment group : segmentsOf(rows, run.lanes)) {
      Value row = e.index(group.offset);
      before(row, group.lanes);
      // Rows may be fewer than a channel segment's lanes: then it is cut to squares.
      int64_t from = run.offset, to = run.offset + count * run.lanes;
      e.loop(e.index(from), e.index(to), group.lanes, [&](Value c) { body(c, row, group.lanes); });
    }
}

void loadTransposed(const Transfer &t, const Emitter &e) {
  int64_t channels = shapeOf(t.tile)[0], rows = shapeOf(t.tile)[1];
  Value last = t.limit ? e.add(t.count(e, rows), -1) : Value();
  Values positions, exists;
  auto findRows = [&](Value row, int64_t size) {
    positions.clear();
    exists.clear();
    for (int64_t i = 0; i < size; ++i) {
      Value x = e.add(row, i);
      if (last) {
        // A missing row reads the last one and becomes zero.
        exists.push_back(arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::sle, x, last));
        x = e.min(x, last);
      }
      positions.push_back(t.position(e, x));
    }
  };
  forEachBlock(channels, rows, e, findRows, [&](Value c, Value row, int64_t size) {
    Values block;
    Value zero = e.constant(0.0, size);
    for (int64_t i = 0; i < size; ++i) {
      Value v = e.load(t.memory, {t.outer, positions[i], e.add(t.inner, c)}, size);
      block.push_back(last ? arith::SelectOp::create(e.b, e.loc, exists[i], v, zero).getResult() : v);
    }
    block = transposed(e, block);
    for (int64_t i = 0; i < size; ++i) e.store(t.scaled(e, block[i]), t.tile, {e.add(c, i), row});
  });
}

void storeRow(const Transfer &t, const Emitter &e, Value v, Value position, Value channel, bool accumulate,
              bool pastCaches = false) {
  SmallVector<Value> indices{t.outer, position, channel};
  int64_t lanes = cast<VectorType>(v.getType()).getNumElements();
  if (accumulate) {
    Value factor = e.constant(t.factor, lanes);
    v = e.fma(v, factor, e.load(t.memory, indices, lanes));
  } else {
    v = t.scaled(e, v);
  }
  if (pastCaches)
    vector::StoreOp::create(e.b, e.loc, v, t.memory, indices, /*nontemporal=*/true,
                            llvm::Align(lanes * sizeof(float)));
  else
    e.store(v, t.memory, indices);
}

void storeTransposed(const Transfer &t, const Emitter &e, bool accumulate) {
  int64_t channels = shapeOf(t.tile)[0], rows = shapeOf(t.tile)[1];
  Value count = t.count(e, rows);
  Values positions;
  auto findRows = [&](Value row, int64_t size) {
    positions.clear();
    for (int64_t i = 0; i < size; ++i) positions.push_back(t.position(e, e.add(row, i)));
  };
  forEachBlock(channels, rows, e, findRows, [&](Value c, Value row, int64_t size) {
    Values block;
    for (int64_t i = 0; i < size; ++i) block.push_back(e.load(t.tile, {e.add(c, i), row}, size));
    block = transposed(e, block);
    for (int64_t i = 0; i < size; ++i) {
      auto write = [&] { storeRow(t, e, block[i], positions[i], e.add(t.inner, c), accumulate); };
      if (!t.limit) {
        write();
        continue;
      }
      Value exists = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::slt, e.add(row, i), count);
      auto guard = scf::IfOp::create(e.b, e.loc, exists, /*withElseRegion=*/false);
      OpBuilder::InsertionGuard restore(e.b);
      e.b.setInsertionPointToStart(guard.thenBlock());
      write();
    }
  });
}

/// Rows as they lie in memory.
void loadRows(const Transfer &t, const Emitter &e) {
  int64_t rows = shapeOf(t.tile)[0];
  auto segments = segmentsOf(shapeOf(t.tile)[1], e.width);
  Value count = t.count(e, rows);
  e.loop(e.index(0), count, 1, [&](Value x) {
    Value position = t.position(e, x);
    for (auto [offset, lanes] : segments) {
      Value v = e.load(t.memory, {t.outer, position, e.add(t.inner, offset)}, lanes);
      e.store(t.scaled(e, v), t.tile, {x, e.index(offset)});
    }
  });
  if (!t.limit) return;
  e.loop(count, e.index(rows), 1, [&](Value x) {
    for (auto [offset, lanes] : segments) e.store(e.constant(0.0, lanes), t.tile, {x, e.index(offset)});
  });
}

void storeRows(const Transfer &t, const Emitter &e, bool accumulate, bool pastCaches = false) {
  e.loop(e.index(0), t.count(e, shapeOf(t.tile)[0]), 1, [&](Value x) {
    Value position = t.position(e, x);
    for (auto [offset, lanes] : segmentsOf(shapeOf(t.tile)[1], e.width))
      storeRow(t, e, e.load(t.tile, {x, e.index(offset)}, lanes), position, e.add(t.inner, offset),
               accumulate, pastCaches);
  });
}

constexpr int64_t kLineElements = 16;

/// Whether rows of the tile are whole lines of memory if the first of them begins one.
bool hasWholeLines(const Transfer &t) {
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(cast<MemRefType>(t.memory.getType()).getStridesAndOffset(strides, offset))) return false;
  auto isWhole = [](int64_t x) { return !ShapedType::isDynamic(x) && x % kLineElements == 0; };
  return isWhole(shapeOf(t.tile)[1]) && isWhole(strides[0]) && isWhole(strides[1]) && offset == 0;
}

/// Lines that lie across two lines of the cache would be written in halves: they go the usual way.
void storeRowsPastCaches(const Transfer &t, const Emitter &e) {
  Value address = memref::ExtractAlignedPointerAsIndexOp::create(e.b, e.loc, t.memory);
  AffineExpr byte = e.b.getAffineDimExpr(0) + e.b.getAffineDimExpr(1) * int64_t(sizeof(float));
  Value inLine = affine::AffineApplyOp::create(
      e.b, e.loc, AffineMap::get(2, 0, byte % (kLineElements * int64_t(sizeof(float)))),
      ValueRange{address, t.inner});
  Value beginsLine = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq, inLine, e.index(0));
  auto choice = scf::IfOp::create(e.b, e.loc, beginsLine, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard restore(e.b);
  e.b.setInsertionPointToStart(choice.thenBlock());
  storeRows(t, e, /*accumulate=*/false, /*pastCaches=*/true);
  e.b.setInsertionPointToStart(choice.elseBlock());
  storeRows(t, e, /*accumulate=*/false);
}

/// One number a row.
void loadNumbers(const Transfer &t, const Emitter &e) {
  int64_t rows = shapeOf(t.tile)[0];
  Value count = t.count(e, rows);
  e.loop(e.index(0), count, 1, [&](Value x) {
    Value v = e.scalar(t.memory, {t.outer, t.inner, t.position(e, x)});
    memref::StoreOp::create(e.b, e.loc, t.scaled(e, v), t.tile, ValueRange{x});
  });
  if (!t.limit) return;
  Value zero = arith::ConstantOp::create(e.b, e.loc, e.b.getF32FloatAttr(0.0));
  e.loop(count, e.index(rows), 1,
         [&](Value x) { memref::StoreOp::create(e.b, e.loc, zero, t.tile, ValueRange{x}); });
}

void storeNumbers(const Transfer &t, const Emitter &e, bool accumulate) {
  e.loop(e.index(0), t.count(e, shapeOf(t.tile)[0]), 1, [&](Value x) {
    SmallVector<Value> indices{t.outer, t.inner, t.position(e, x)};
    Value v = t.scaled(e, e.scalar(t.tile, {x}));
    if (accumulate) v = arith::AddFOp::create(e.b, e.loc, e.scalar(t.memory, indices), v);
    memref::StoreOp::create(e.b, e.loc, v, t.memory, indices);
  });
}

} // namespace

void lower(TileLoadOp op, const Emitter &e) {
  Transfer t(op, op.getSource());
  if (op.getTranspose()) return loadTransposed(t, e);
  return shapeOf(t.tile).size() == 2 ? loadRows(t, e) : loadNumbers(t, e);
}

void lower(TileStoreOp op, const Emitter &e) {
  Transfer t(op, op.getTarget());
  if (op.getTranspose()) return storeTransposed(t, e, op.getAccumulate());
  if (op.getPastCaches() && !op.getAccumulate() && shapeOf(t.tile).size() == 2 && hasWholeLines(t))
    return storeRowsPastCaches(t, e);
  return shapeOf(t.tile).size() == 2 ? storeRows(t, e, op.getAccumulate())
                                     : storeNumbers(t, e, op.getAccumulate());
}

} // namespace drawloom::tiles
