// tile.matmul: a block of the result in registers, one multiply-add a pair of accumulators and inner step.
#include "passes/tiles/Blocks.h"
#include "passes/tiles/Prefetch.h"

using namespace mlir;

namespace drawloom::tiles {
namespace {

constexpr int64_t kInnerUnroll = 4;
static_assert(kExtentKeys % kInnerUnroll == 0);

/// Rows or columns [first, first + count).
struct Part {
  int64_t first, count;
};

/// A block of c: rows [m, m + rows), columns [n, n + vectors * lanes).
struct Block {
  Value m;
  int64_t rows;
  Value n;
  int64_t vectors, lanes;
};

class MatmulEmitter {
public:
  MatmulEmitter(TileMatmulOp op, const Emitter &e)
      : op(op), e(e), rows(shapeOf(op.getC())[0]), columns(shapeOf(op.getC())[1]),
        inner(shapeOf(op.getB())[0]), prefetches(op, e, steps()) {}

  void emit() const {
    emitProduct();
    prefetches.finish();
  }

private:
  /// Trips of the inner loops over blocks of about 16 vectors, where half of the pairs exist.
  int64_t steps() const {
    return rows * columns / (16 * std::min(columns, e.width)) * inner / kInnerUnroll / 2;
  }

  void emitProduct() const {
    if (!op.getExtents()) return emitAll({0, rows}, {0, columns}, {inner});
    if (*op.getPairs() == "row-inner") return emitSumsOverQueries();
    if (*op.getPairs() == "inner-row") {
      for (int64_t group = 0; group < groups(); ++group) {
        Part queries{group * groupSize(), std::min(groupSize(), rows - group * groupSize())};
        emitAll(queries, {0, columns}, e.keysOf(op.getExtents(), group, inner));
      }
      return;
    }
    for (int64_t first = 0; first < columns; first += kExtentQueries) {
      int64_t count = std::min(columns - first, kExtentQueries);
      if (*op.getPairs() == "inner-column")
        emitAll({0, rows}, {first, count}, e.keysOf(op.getExtents(), first / kExtentQueries, inner));
      else
        emitScores({first, count});
    }
  }

  /// `body(first column, vectors, lanes)` for the runs of vectors of one width that cover [first, first +
  /// count).
  void forEachRun(int64_t first, int64_t count,
                  llvm::function_ref<void(int64_t, int64_t, int64_t)> body) const {
    SmallVector<Segment> segments = segmentsOf(count, e.width);
    for (size_t i = 0, next = 0; i < segments.size(); i = next) {
      while (next < segments.size() && segments[next].lanes == segments[i].lanes) ++next;
      body(first + segments[i].offset, next - i, segments[i].lanes);
    }
  }

  Value columnOf(Value vector, int64_t lanes, int64_t offset) const {
    if (auto constant = getConstantIntValue(vector)) return e.index(*constant * lanes + offset);
    return e.add(arith::MulIOp::create(e.b, e.loc, vector, e.index(lanes)), offset);
  }

  /// Rows and columns that are known now.
  void emitAll(Part ofRows, Part ofColumns, Range terms) const {
    forEachRun(ofColumns.first, ofColumns.count, [&](int64_t offset, int64_t run, int64_t lanes) {
      RegisterBlock shape = chooseBlock(ofRows.count, run, e.registers);
      e.blocks(run, shape.vectors, [&](Value v, int64_t vectors) {
        Value n = columnOf(v, lanes, offset);
        e.blocks(ofRows.count, shape.rows, [&](Value m, int64_t height) {
          emitBlock({e.add(m, ofRows.first), height, n, vectors, lanes}, terms);
        });
      });
    });
  }

  /// Some columns of the rows in a range that is known when the kernel runs, `height` at a time;
  /// `termsOf(row)` for a block that begins there.
  void emitRows(Part ofColumns, Value from, Value to, int64_t height,
                llvm::function_ref<Range(Value)> termsOf) const {
    int64_t widest = std::max<int64_t>(1, (e.registers - 1) / (height + 1));
    e.loop(from, to, height, [&](Value m) {
      Range terms = termsOf(m);
      forEachRun(ofColumns.first, ofColumns.count, [&](int64_t offset, int64_t run, int64_t lanes) {
        int64_t blocks = llvm::divideCeil(run, widest);
        e.blocks(run, llvm::divideCeil(run, blocks), [&](Value v, int64_t vectors) {
          emitBlock({m, height, columnOf(v, lanes, offset), vectors, lanes}, terms);
        });
      });
    });
  }

  void emitScores(Part queries) const {
    Range keys = e.keysOf(op.getExtents(), queries.first / kExtentQueries, rows);
    auto allTerms = [&](Value) { return Range{inner}; };
    // A single vector a row needs more rows, to load less than it multiplies and to hide latency.
    constexpr int64_t tall = 2 * kExtentKeys;
    if (queries.count > e.width || tall + 2 > e.registers)
      return emitRows(queries, keys.from, keys.to, kExtentKeys, allTerms);
    AffineExpr from = e.b.getAffineDimExpr(0), to = e.b.getAffineDimExpr(1);
    auto talls = AffineMap::get(2, 0, from + (to - from).floorDiv(tall) * tall);
    Value middle = affine::AffineApplyOp::create(e.b, e.loc, talls, ValueRange{keys.from, keys.to});
    middle = arith::MaxSIOp::create(e.b, e.loc, middle,
                                    keys.from); // a group that meets nothing may end before it begins
    emitRows(queries, keys.from, middle, tall, allTerms);
    emitRows(queries, middle, keys.to, kExtentKeys, allTerms);
  }

  /// Each block of rows with the queries that meet it.
  void emitSumsOverQueries() const {
    emitRows({0, columns}, e.index(0), e.index(rows), kExtentKeys,
             [&](Value m) { return queriesMeeting(m); });
  }

  /// The queries of the groups that meet the keys [m, m + kExtentKeys): neighbours, because a view's bounds
  /// are monotone.
  Range queriesMeeting(Value m) const {
    auto compare = [&](arith::CmpIPredicate predicate, Value x, Value y) {
      return arith::CmpIOp::create(e.b, e.loc, predicate, x, y);
    };
    Value from = e.index(inner), to = e.index(0);
    for (int64_t group = 0; group < groups(); ++group) {
      Range keys = e.keysOf(op.getExtents(), group, rows);
      Value meets = arith::AndIOp::create(e.b, e.loc, compare(arith::CmpIPredicate::sle, keys.from, m),
                                          compare(arith::CmpIPredicate::slt, m, keys.to));
      int64_t first = group * groupSize();
      from = e.min(from, arith::SelectOp::create(e.b, e.loc, meets, e.index(first), e.index(inner)));
      to = arith::SelectOp::create(e.b, e.loc, meets, e.index(std::min(inner, first + groupSize())), to);
    }
    return {inner, from, to};
  }

  int64_t groups() const { return shapeOf(op.getExtents())[0]; }
  /// Queries a group of the extents.
  int64_t groupSize() const {
    int64_t queries = *op.getPairs() == "row-inner" ? inner : *op.getPairs() == "inner-row" ? rows : columns;
    return groups() == llvm::divideCeil(queries, kExtentQueries) ? kExtentQueries : kFineExtentQueries;
  }

  void emitBlock(const Block &block, const Range &terms) const {
    auto [m, height, n, vectors, lanes] = block;
    Values acc = op.getAccumulate() ? loadBlock(block) : Values(height * vectors, e.constant(0.0, lanes));
    // Ranges that are known when the kernel runs are of whole groups, unless the tile is smaller than one.
    int64_t unroll = terms.from && terms.extent % kInnerUnroll != 0 ? 1 : kInnerUnroll;
    acc = e.unrolled(terms, unroll, acc, [&](Value k, int64_t slot, Values acc) {
      if (slot == 0) prefetches.step();
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
    bool isByRow = op.getPairs() == "inner-row";
    if (op.getRescale() && !isByRow)
      for (int64_t v = 0; v < block.vectors; ++v)
        rescale.push_back(e.load(op.getRescale(), {e.add(block.n, v * block.lanes)}, block.lanes));
    for (int64_t r = 0; r < block.rows; ++r)
      for (int64_t v = 0; v < block.vectors; ++v) {
        Value old = e.load(op.getC(), {e.add(block.m, r), e.add(block.n, v * block.lanes)}, block.lanes);
        if (op.getRescale() && isByRow && v == 0)
          rescale.assign(block.vectors, e.splat(e.scalar(op.getRescale(), {e.add(block.m, r)}), block.lanes));
        acc.push_back(op.getRescale() ? arith::MulFOp::create(e.b, e.loc, old, rescale[v]).getResult() : old);
      }
    return acc;
  }

  mutable TileMatmulOp op; // accessors of ops are not const
  const Emitter &e;
  int64_t rows, columns, inner;
  SpreadPrefetches prefetches;
};

} // namespace

void lower(TileMatmulOp op, const Emitter &e) { MatmulEmitter(op, e).emit(); }

} // namespace drawloom::tiles
