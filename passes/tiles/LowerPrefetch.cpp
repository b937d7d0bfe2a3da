// tile.prefetch: all at once, or a few rows with each block of a product.
#include "passes/tiles/Prefetch.h"

using namespace mlir;

namespace drawloom::tiles {
namespace {

constexpr int64_t kLineElements = 16, kSecondLevel = 2;

Value rowsOf(TilePrefetchOp op, const Emitter &e) {
  return e.min(arith::SubIOp::create(e.b, e.loc, op.getLimit(), op.getAt().back()), e.index(op.getRows()));
}

/// Channels [from, from + count) of row x.
void touch(TilePrefetchOp op, const Emitter &e, Value x, Value from, int64_t count) {
  SmallVector<Value> at(op.getAt());
  at.back() = e.add(at.back(), x);
  Value position = affine::AffineApplyOp::create(e.b, e.loc, op.getMap(), at),
        channel = e.add(op.getInner(), from);
  for (int64_t c = 0; c < count; c += kLineElements)
    memref::PrefetchOp::create(e.b, e.loc, op.getSource(),
                               ValueRange{op.getOuter(), position, e.add(channel, c)}, op.getWrite(),
                               kSecondLevel,
                               /*isDataCache=*/true);
}

void touchRows(TilePrefetchOp op, const Emitter &e, Value from, Value to) {
  e.loop(from, to, 1, [&](Value x) { touch(op, e, x, e.index(0), op.getChannels()); });
}

} // namespace

void lower(TilePrefetchOp op, const Emitter &e) { touchRows(op, e, e.index(0), rowsOf(op, e)); }

/// What may stand between a prefetch and its product: other prefetches, and arithmetic on indices.
static bool standsBetween(Operation *op) { return op && (isa<TilePrefetchOp>(op) || isMemoryEffectFree(op)); }

TileMatmulOp productAfter(TilePrefetchOp op) {
  Operation *next = op->getNextNode();
  while (standsBetween(next)) next = next->getNextNode();
  return dyn_cast_or_null<TileMatmulOp>(next);
}

SpreadPrefetches::SpreadPrefetches(TileMatmulOp product, const Emitter &e, int64_t steps) : e(e) {
  for (Operation *op = product->getPrevNode(); standsBetween(op); op = op->getPrevNode())
    if (auto prefetch = dyn_cast<TilePrefetchOp>(op)) {
      Value rows = rowsOf(prefetch, e);
      // Rows in as many parts as there are steps for, each of whole lines.
      int64_t parts = 1, lines = int64_t(prefetch.getChannels()) / kLineElements;
      while (lines % (2 * parts) == 0 && 2 * parts * int64_t(prefetch.getRows()) <= steps) parts *= 2;
      streams.push_back({prefetch, rows, e.add(rows, -1), parts});
    }
  if (streams.empty()) return;
  {
    OpBuilder::InsertionGuard guard(e.b);
    e.b.setInsertionPointToStart(&product->getParentOfType<func::FuncOp>().getBody().front());
    done = memref::AllocaOp::create(e.b, e.loc, MemRefType::get({1}, e.b.getIndexType()));
  }
  memref::StoreOp::create(e.b, e.loc, e.index(0), done, ValueRange{e.index(0)});
}

Value SpreadPrefetches::quotient(Value x, int64_t divisor) const {
  return affine::AffineApplyOp::create(e.b, e.loc,
                                       AffineMap::get(1, 0, e.b.getAffineDimExpr(0).floorDiv(divisor)), x);
}

void SpreadPrefetches::step() const {
  if (streams.empty()) return;
  Value step = e.scalar(done, {e.index(0)});
  for (const Stream &s : streams) {
    int64_t channels = int64_t(s.op.getChannels()) / s.parts;
    AffineMap part = AffineMap::get(1, 0, e.b.getAffineDimExpr(0) % s.parts * channels);
    // Steps after the last row ask for it again, which costs less than a branch.
    touch(s.op, e, e.min(quotient(step, s.parts), s.last),
          affine::AffineApplyOp::create(e.b, e.loc, part, step), channels);
  }
  memref::StoreOp::create(e.b, e.loc, e.add(step, 1), done, ValueRange{e.index(0)});
}

void SpreadPrefetches::finish() const {
  for (const Stream &s : streams) {
    touchRows(s.op, e, quotient(e.scalar(done, {e.index(0)}), s.parts), s.rows);
    s.op->erase();
  }
}

} // namespace drawloom::tiles
