// The softmax tile ops, tile.dot and tile.fill by the threads of a block: a column (query) is shared by a few
// threads, which combine their partial results through shared memory in a fixed order.
#include "passes/rows/VectorMath.h"
#include "passes/tiles/BlockEmitter.h"
#include "passes/tiles/SoftmaxConstants.h"

using namespace mlir;

namespace drawloom::tiles {
namespace {

Value addF(const Emitter &e, Value x, Value y) { return arith::AddFOp::create(e.b, e.loc, x, y); }
Value subF(const Emitter &e, Value x, Value y) { return arith::SubFOp::create(e.b, e.loc, x, y); }
Value mulF(const Emitter &e, Value x, Value y) { return arith::MulFOp::create(e.b, e.loc, x, y); }

/// NaN scores do not become the maximum; they reach the sum through their own exponential.
Value larger(const Emitter &e, Value s, Value m) { return vecmath::max(e.b, e.loc, s, m); }

/// The rows of a column that a thread has.
struct Share {
  const BlockEmitter &e;
  Value x, part;
  int64_t rows, parts;

  /// `body(y, slot, carried)` for each of them, kUnroll a trip.
  Values forEachRow(Values inits, llvm::function_ref<Values(Value, int64_t, Values)> body) const {
    return e.unrolled({rows / parts}, BlockEmitter::kUnroll, inits,
                      [&](Value i, int64_t slot, Values carried) {
                        return body(e.apply(e.dim(0) * parts + e.dim(1), {i, part}), slot, carried);
                      });
  }
};

/// Combines what the parts of column x left in rows [first, first + parts) of scratch, in their order.
Value combined(const BlockEmitter &e, Operation *op, Value x, int64_t first, int64_t parts, Value start,
               llvm::function_ref<Value(Value, Value)> combine) {
  Value scratch = e.context.scratch.lookup(op);
  for (int64_t part = 0; part < parts; ++part)
    start = combine(e.load(scratch, {e.index(first + part), x}, 1), start);
  return start;
}

} // namespace

void distribute(TileSoftmaxStepOp op, const BlockEmitter &e) {
  Value scores = op.getScores(), scratch = e.context.scratch.lookup(op);
  int64_t keys = shapeOf(scores)[0], queries = shapeOf(scores)[1],
          parts = partsOf(e.context.threads, keys, queries);
  auto forEachShare = [&](llvm::function_ref<void(const Share &)> body) {
    e.phase([&](Value thread) {
      e.forEachColumn(thread, queries, parts, [&](Value x, Value part) { body({e, x, part, keys, parts}); });
    });
  };
  auto oldMaximum = [&](Value x) { return larger(e, e.loadTile(op.getM(), {x}, 1), e.constant(kNoKey, 1)); };
  auto newMaximum = [&](Value x, Value old) {
    return combined(e, op, x, 0, parts, old, [&](Value s, Value m) { return larger(e, s, m); });
  };

  forEachShare([&](const Share &share) {
    Values maxima(kPartials, e.constant(kNoKey, 1));
    maxima = share.forEachRow(maxima, [&](Value y, int64_t slot, Values maxima) {
      Value &m = maxima[slot % kPartials];
      m = larger(e, e.loadTile(scores, {y, share.x}, 1), m);
      return maxima;
    });
    e.store(fold(maxima, [&](Value a, Value b) { return larger(e, a, b); }), scratch, {share.part, share.x});
  });
  e.barrier();
  forEachShare([&](const Share &share) {
    Value m = newMaximum(share.x, oldMaximum(share.x));
    Values sums(kPartials, e.constant(0.0, 1));
    sums = share.forEachRow(sums, [&](Value y, int64_t slot, Values sums) {
      Value p = vecmath::exp2(e.b, e.loc, subF(e, e.loadTile(scores, {y, share.x}, 1), m));
      e.storeTile(p, scores, {y, share.x});
      sums[slot % kPartials] = addF(e, sums[slot % kPartials], p);
      return sums;
    });
    Value row = e.add(share.part, parts);
    e.store(fold(sums, [&](Value a, Value b) { return addF(e, a, b); }), scratch, {row, share.x});
  });
  e.barrier();
  e.phase([&](Value thread) {
    e.forEach(thread, queries, [&](Value x) {
      Value old = oldMaximum(x), m = newMaximum(x, old);
      Value rescale = vecmath::exp2(e.b, e.loc, subF(e, old, m));
      Value sum = combined(e, op, x, parts, parts, e.constant(0.0, 1),
                           [&](Value s, Value sum) { return addF(e, sum, s); });
      e.storeTile(m, op.getM(), {x});
      e.storeTile(e.fma(e.loadTile(op.getL(), {x}, 1), rescale, sum), op.getL(), {x});
      e.storeTile(rescale, op.getRescale(), {x});
    });
  });
}

void distribute(TileSoftmaxFinishOp op, const BlockEmitter &e) {
  Value acc = op.getAcc();
  int64_t channels = shapeOf(acc)[0], queries = shapeOf(acc)[1],
          parts = partsOf(e.context.threads, channels, queries);
  e.phase([&](Value thread) {
    e.forEachColumn(thread, queries, parts, [&](Value x, Value part) {
      Value inverse = arith::DivFOp::create(e.b, e.loc, e.constant(1.0, 1), e.loadTile(op.getL(), {x}, 1));
      Share{e, x, part, channels, parts}.forEachRow({}, [&](Value c, int64_t, Values) {
        e.storeTile(mulF(e, e.loadTile(acc, {c, x}, 1), inverse), acc, {c, x});
        return Values();
      });
    });
    e.forEach(thread, queries, [&](Value x) {
      Value l = e.loadTile(op.getL(), {x}, 1), m = e.loadTile(op.getM(), {x}, 1);
      Value lse = e.fma(m, e.constant(kLn2, 1), vecmath::log(e.b, e.loc, l));
      Value none = arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::OLE, m, e.constant(kNoKey, 1));
      e.storeTile(arith::SelectOp::create(e.b, e.loc, none, e.constant(-kInf, 1), lse), op.getM(), {x});
    });
  });
}

void distribute(TileSoftmaxGradOp op, const BlockEmitter &e) {
  Value scores = op.getScores(), grads = op.getGrads();
  int64_t keys = shapeOf(scores)[0], queries = shapeOf(scores)[1],
          parts = partsOf(e.context.threads, keys, queries);
  e.phase([&](Value thread) {
    e.forEachColumn(thread, queries, parts, [&](Value x, Value part) {
      Value lse = e.loadTile(op.getLse(), {x}, 1), delta = e.loadTile(op.getDelta(), {x}, 1);
      // A query without keys has only masked scores; any finite number in place of its -inf makes them zero.
      Value none = arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::OEQ, lse, e.constant(-kInf, 1));
      lse = arith::SelectOp::create(e.b, e.loc, none, e.constant(0.0, 1), lse);
      Share{e, x, part, keys, parts}.forEachRow({}, [&](Value y, int64_t, Values) {
        // One rounding: the product with log2 e is exact inside the multiply-add.
        Value s = e.fma(lse, e.constant(-kLog2E, 1), e.loadTile(scores, {y, x}, 1));
        Value p = vecmath::exp2(e.b, e.loc, s);
        e.storeTile(p, scores, {y, x});
        e.storeTile(mulF(e, p, subF(e, e.loadTile(grads, {y, x}, 1), delta)), grads, {y, x});
        return Values();
      });
    });
  });
}

void distribute(TileDotOp op, const BlockEmitter &e) {
  int64_t channels = shapeOf(op.getA())[0], columns = shapeOf(op.getA())[1];
  int64_t parts = partsOf(e.context.threads, channels, columns);
  e.phase([&](Value thread) {
    e.forEachColumn(thread, columns, parts, [&](Value x, Value part) {
      Values sums(kPartials, e.constant(0.0, 1));
      sums = Share{e, x, part, channels, parts}.forEachRow(sums, [&](Value c, int64_t slot, Values sums) {
        Value &sum = sums[slot % kPartials];
        sum = e.fma(e.loadTile(op.getA(), {c, x}, 1), e.loadTile(op.getB(), {c, x}, 1), sum);
        return sums;
      });
      e.store(fold(sums, [&](Value a, Value b) { return addF(e, a, b); }), e.context.scratch.lookup(op),
              {part, x});
    });
  });
  e.barrier();
  e.phase([&](Value thread) {
    e.forEach(thread, columns, [&](Value x) {
      Value sum = combined(e, op, x, 0, parts, e.constant(0.0, 1),
                           [&](Value s, Value sum) { return addF(e, sum, s); });
      e.storeTile(sum, op.getOut(), {x});
    });
  });
}

void distribute(TileFillOp op, const BlockEmitter &e) {
  auto shape = shapeOf(op.getTile());
  int64_t rows = shape.size() == 2 ? shape[0] : 1, lanes = std::gcd(shape.back(), BlockEmitter::kLanes);
  Value v = e.constant(op.getValue().convertToDouble(), lanes);
  e.phase([&](Value thread) {
    e.forEach(thread, rows, shape.back() / lanes, [&](Value y, Value vector) {
      Value x = e.apply(e.dim(0) * lanes, vector);
      e.storeTile(v, op.getTile(), shape.size() == 2 ? SmallVector<Value>{y, x} : SmallVector<Value>{x});
    });
  });
}

} // namespace drawloom::tiles
