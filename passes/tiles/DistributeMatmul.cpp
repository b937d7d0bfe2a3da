// tile.matmul by the threads of a block: each keeps a block of the result in registers and reads vectors of
// 16 bytes.
#include "passes/tiles/BlockEmitter.h"
#include "passes/tiles/ThreadBlocks.h"

using namespace mlir;

namespace drawloom::tiles {
namespace {

int64_t widest(int64_t extent) { return std::gcd(extent, BlockEmitter::kLanes); }

class BlockMatmul {
public:
  BlockMatmul(TileMatmulOp op, const BlockEmitter &e) : op(op), e(e) {
    rows = shapeOf(op.getC())[0], columns = shapeOf(op.getC())[1], inner = shapeOf(op.getB())[0];
    block = chooseThreadBlock(rows, columns, e.context.threads);
    down = rows / block.rows, across = columns / block.columns;
    innerLanes = widest(inner);
    rowLanes = widest(block.rows);
  }

  void emit() const {
    // Threads that are neighbours take a few blocks of one group of queries, then the blocks below: a warp
    // has whole groups of queries, so that it meets the same keys at edges, and few different rows of a and
    // columns of b.
    int64_t beside = std::gcd(across, kExtentQueries / block.columns);
    e.phase([&](Value thread) {
      e.forEach(thread, down * across, [&](Value i) {
        AffineExpr in = e.dim(0), below = in.floorDiv(beside);
        Value column = e.apply((below.floorDiv(down) * beside + in % beside) * block.columns, i);
        emitBlock(e.apply(below % down, i), column);
      });
    });
  }

private:
  /// The r-th row of the thread's block, which begins at `first`. Rows of one block are far apart, those of
  /// neighbouring threads adjacent; with a transposed, rows that are loaded together are adjacent.
  Value row(Value first, int64_t r) const {
    if (!op.getTransposeA()) return e.add(first, r * down);
    return e.apply(e.dim(0) * rowLanes + (r / rowLanes * down * rowLanes + r % rowLanes), first);
  }

  void emitBlock(Value first, Value column) const {
    SmallVector<Value> at;
    for (int64_t r = 0; r < block.rows; ++r) at.push_back(row(first, r));
    Values acc = start(at, column);
    bool isWithin = op.getExtents() && *op.getPairs() == "inner-column";
    Value from = e.index(0), to = e.index(inner);
    if (isWithin) {
      Value group = e.apply(e.dim(0).floorDiv(kExtentQueries), column);
      from = e.scalar(e.sharedOf(op.getExtents()), {group, e.index(0)});
      to = e.scalar(e.sharedOf(op.getExtents()), {group, e.index(1)});
    }
    acc = e.loop(from, to, innerLanes, acc, [&](Value k, Values acc) { return step(k, at, column, acc); });
    for (int64_t r = 0; r < block.rows; ++r) e.storeTile(acc[r], op.getC(), {at[r], column});
  }

  /// What the sums start from.
  Values start(ArrayRef<Value> at, Value column) const {
    if (!op.getAccumulate()) return Values(block.rows, e.constant(0.0, block.columns));
    Values acc;
    Value rescale = op.getRescale() ? e.loadTile(op.getRescale(), {column}, block.columns) : Value();
    for (Value r : at) {
      Value old = e.loadTile(op.getC(), {r, column}, block.columns);
      acc.push_back(rescale ? arith::MulFOp::create(e.b, e.loc, old, rescale).getResult() : old);
    }
    return acc;
  }

  /// The terms k .. k + innerLanes - 1, in order.
  Values step(Value k, ArrayRef<Value> at, Value column, Values acc) const {
    Values left; // a's elements by row and term
    if (!op.getTransposeA())
      for (Value r : at) left.push_back(e.loadTile(op.getA(), {r, k}, innerLanes));
    for (int64_t term = 0; term < innerLanes; ++term) {
      Value kTerm = e.add(k, term);
      if (op.getTransposeA()) {
        left.clear();
        for (int64_t r = 0; r < block.rows; r += rowLanes)
          left.push_back(e.loadTile(op.getA(), {kTerm, at[r]}, rowLanes));
      }
      Value right = e.loadTile(op.getB(), {kTerm, column}, block.columns);
      for (int64_t r = 0; r < block.rows; ++r) {
        Value a = op.getTransposeA() ? e.element(left[r / rowLanes], r % rowLanes) : e.element(left[r], term);
        acc[r] = e.fma(e.splat(a, block.columns), right, acc[r]);
      }
    }
    return acc;
  }

  mutable TileMatmulOp op; // accessors of ops are not const
  const BlockEmitter &e;
  int64_t rows, columns, inner;
  ThreadBlock block;
  int64_t down, across; ///< blocks
  int64_t innerLanes,
      rowLanes; ///< of vectors of a along its inner dimension, along its rows if it is transposed
};

} // namespace

void distribute(TileMatmulOp op, const BlockEmitter &e) { BlockMatmul(op, e).emit(); }

} // namespace drawloom::tiles
