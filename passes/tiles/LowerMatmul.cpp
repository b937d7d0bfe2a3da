// tile.matmul: a block of the result in registers, one multiply-add a pair of accumulators and inner step.
#include "passes/tiles/Blocks.h"
#include "passes/tiles/Emitter.h"

using namespace mlir;

namespace drawloom::tiles {
namespace {

constexpr int64_t kInnerUnroll = 4;

/// Emits one block: rows [m, m + rows), columns [n, n + vectors * lanes).
class BlockEmitter {
public:
  BlockEmitter(TileMatmulOp op, const Emitter &e) : op(op), e(e), inner(shapeOf(op.getB())[0]) {}

  void emit(Value m, int64_t rows, Value n, int64_t vectors, int64_t lanes) const {
    Values acc = start(m, rows, n, vectors, lanes);
    acc = e.unrolled(inner, kInnerUnroll, acc, [&](Value k, int64_t, Values acc) {
      Values columns;
      for (int64_t v = 0; v < vectors; ++v)
        columns.push_back(e.load(op.getB(), {k, e.add(n, v * lanes)}, lanes));
      for (int64_t r = 0; r < rows; ++r) {
        Value factor = e.splat(elementOfA(e.add(m, r), k), lanes);
        for (int64_t v = 0; v < vectors; ++v)
          acc[r * vectors + v] = e.fma(factor, columns[v], acc[r * vectors + v]);
      }
      return acc;
    });
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t v = 0; v < vectors; ++v)
        e.store(acc[r * vectors + v], op.getC(), {e.add(m, r), e.add(n, v * lanes)});
  }

private:
  Value elementOfA(Value m, Value k) const {
    return op.getTransposeA() ? e.scalar(op.getA(), {k, m}) : e.scalar(op.getA(), {m, k});
  }

  Values start(Value m, int64_t rows, Value n, int64_t vectors, int64_t lanes) const {
    if (!op.getAccumulate())
      return Values(rows * vectors, e.constant(0.0, lanes));
    Values acc, rescale;
    if (op.getRescale())
      for (int64_t v = 0; v < vectors; ++v)
        rescale.push_back(e.load(op.getRescale(), {e.add(n, v * lanes)}, lanes));
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t v = 0; v < vectors; ++v) {
        Value old = e.load(op.getC(), {e.add(m, r), e.add(n, v * lanes)}, lanes);
        acc.push_back(op.getRescale() ? arith::MulFOp::create(e.b, e.loc, old, rescale[v]).getResult() : old);
      }
    return acc;
  }

  mutable TileMatmulOp op; // accessors of ops are not const
  const Emitter &e;
  int64_t inner;
};

} // namespace

void lower(TileMatmulOp op, const Emitter &e) {
  BlockEmitter block(op, e);
  int64_t rows = shapeOf(op.getC())[0];
  SmallVector<Segment> segments = segmentsOf(shapeOf(op.getC())[1], e.width);
  // Vectors of one width are covered by blocks; a run of them starts at `first`.
  for (size_t first = 0, last = 0; first < segments.size(); first = last) {
    auto [offset, lanes] = segments[first];
    while (last < segments.size() && segments[last].lanes == lanes)
      ++last;
    RegisterBlock shape = chooseBlock(rows, last - first, e.registers);
    e.blocks(last - first, shape.vectors, [&, offset = offset, lanes = lanes](Value v, int64_t vectors) {
      Value n = e.add(arith::MulIOp::create(e.b, e.loc, v, e.index(lanes)), offset);
      e.blocks(rows, shape.rows, [&](Value m, int64_t count) { block.emit(m, count, n, vectors, lanes); });
    });
  }
}

} // namespace drawloom::tiles
