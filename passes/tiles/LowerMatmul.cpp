// tile.matmul: a block of the result in registers, one multiply-add a pair of accumulators and inner step.
#include "passes/tiles/Blocks.h"
#include "passes/tiles/Emitter.h"

using namespace mlir;

namespace drawloom::tiles {
namespace {

constexpr int64_t kInnerUnroll = 4;
static_assert(kExtentKeys % kInnerUnroll == 0);

/// A block of c: rows [m, m + rows), columns [n, n + vectors * lanes).
struct Block {
  Value m;
  int64_t rows;
  Value n;
  int64_t vectors, lanes;
};

class MatmulEmitter {
public:
  MatmulEmitter(TileMatmulOp op, const Emitter &e) : op(op), e(e) {
    rows = shapeOf(op.getC())[0], columns = shapeOf(op.getC())[1], inner = shapeOf(op.getB())[0];
  }

  void emit() const {
    if (!op.getExtents())
      return emitAll(0, columns, {inner});
    if (*op.getPairs() == "row-inner")
      return emitSumsOverQueries();
    for (int64_t first = 0; first < columns; first += kExtentQueries) {
      int64_t count = std::min(columns - first, kExtentQueries);
      if (*op.getPairs() == "inner-column")
        emitAll(first, count, e.keysOf(op.getExtents(), first / kExtentQueries, inner));
      else
        emitRows(first, count, e.keysOf(op.getExtents(), first / kExtentQueries, rows), {inner}, 0, op.getAccumulate());
    }
  }

private:
  /// `body(first column, vectors, lanes)` for the runs of vectors of one width that cover [first, first + count).
  void forEachRun(int64_t first, int64_t count, llvm::function_ref<void(int64_t, int64_t, int64_t)> body) const {
    SmallVector<Segment> segments = segmentsOf(count, e.width);
    for (size_t i = 0, next = 0; i < segments.size(); i = next) {
      while (next < segments.size() && segments[next].lanes == segments[i].lanes)
        ++next;
      body(first + segments[i].offset, next - i, segments[i].lanes);
    }
  }

  Value columnOf(Value vector, int64_t lanes, int64_t offset) const {
    if (auto constant = getConstantIntValue(vector))
      return e.index(*constant * lanes + offset);
    return e.add(arith::MulIOp::create(e.b, e.loc, vector, e.index(lanes)), offset);
  }

  /// All rows of some columns.
  void emitAll(int64_t first, int64_t count, Range terms) const {
    forEachRun(first, count, [&](int64_t offset, int64_t run, int64_t lanes) {
      RegisterBlock shape = chooseBlock(rows, run, e.registers);
      e.blocks(run, shape.vectors, [&](Value v, int64_t vectors) {
        Value n = columnOf(v, lanes, offset);
        e.blocks(rows, shape.rows, [&](Value m, int64_t height) {
          emitBlock({m, height, n, vectors, lanes}, terms, 0, op.getAccumulate());
        });
      });
    });
  }

  /// Some columns of the rows in a range that is known when the kernel runs.
  void emitRows(int64_t first, int64_t count, Range range, Range terms, int64_t firstTerm, bool accumulate) const {
    int64_t widest = std::max<int64_t>(1, (e.registers - 1) / (kExtentKeys + 1));
    forEachRun(first, count, [&](int64_t offset, int64_t run, int64_t lanes) {
      int64_t blocks = llvm::divideCeil(run, widest);
      e.blocks(run, llvm::divideCeil(run, blocks), [&](Value v, int64_t vectors) {
        Value n = columnOf(v, lanes, offset);
        e.loop(range.from, range.to, kExtentKeys, [&](Value m) {
          emitBlock({m, kExtentKeys, n, vectors, lanes}, terms, firstTerm, accumulate);
        });
      });
    });
  }

  /// One group of terms after the other, each for the rows that it meets.
  void emitSumsOverQueries() const {
    if (!op.getAccumulate())
      for (auto [offset, lanes] : segmentsOf(columns, e.width))
        e.loop(e.index(0), e.index(rows), 1, [&, offset = offset, lanes = lanes](Value m) {
          e.store(e.constant(0.0, lanes), op.getC(), {m, e.index(offset)});
        });
    for (int64_t first = 0; first < inner; first += kExtentQueries) {
      Range terms{std::min(inner - first, kExtentQueries)};
      emitRows(0, columns, e.keysOf(op.getExtents(), first / kExtentQueries, rows), terms, first, /*accumulate=*/true);
    }
  }

  /// One block: the terms `terms`, counted from firstTerm.
  void emitBlock(const Block &block, const Range &terms, int64_t firstTerm, bool accumulate) const {
    auto [m, height, n, vectors, lanes] = block;
    Values acc = accumulate ? loadBlock(block) : Values(height * vectors, e.constant(0.0, lanes));
    acc = e.unrolled(terms, kInnerUnroll, acc, [&](Value term, int64_t, Values acc) {
      Value k = e.add(term, firstTerm);
      Values right;
      for (int64_t v = 0; v < vectors; ++v)
        right.push_back(e.load(op.getB(), {k, e.add(n, v * lanes)}, lanes));
      for (int64_t r = 0; r < height; ++r) {
        Value left = e.splat(elementOfA(e.add(m, r), k), lanes);
        for (int64_t v = 0; v < vectors; ++v)
          acc[r * vectors + v] = e.fma(left, right[v], acc[r * vectors + v]);
      }
      return acc;
    });
    for (int64_t r = 0; r < height; ++r)
      for (int64_t v = 0; v < vectors; ++v)
        e.store(acc[r * vectors + v], op.getC(), {e.add(m, r), e.add(n, v * lanes)});
  }

  Value elementOfA(Value m, Value k) const {
    return op.getTransposeA() ? e.scalar(op.getA(), {k, m}) : e.scalar(op.getA(), {m, k});
  }

  Values loadBlock(const Block &block) const {
    Values acc, rescale;
    if (op.getRescale())
      for (int64_t v = 0; v < block.vectors; ++v)
        rescale.push_back(e.load(op.getRescale(), {e.add(block.n, v * block.lanes)}, block.lanes));
    for (int64_t r = 0; r < block.rows; ++r)
      for (int64_t v = 0; v < block.vectors; ++v) {
        Value old = e.load(op.getC(), {e.add(block.m, r), e.add(block.n, v * block.lanes)}, block.lanes);
        acc.push_back(op.getRescale() ? arith::MulFOp::create(e.b, e.loc, old, rescale[v]).getResult() : old);
      }
    return acc;
  }

  mutable TileMatmulOp op; // accessors of ops are not const
  const Emitter &e;
  int64_t rows, columns, inner;
};

} // namespace

void lower(TileMatmulOp op, const Emitter &e) { MatmulEmitter(op, e).emit(); }

} // namespace drawloom::tiles
