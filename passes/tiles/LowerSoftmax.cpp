// The softmax tile ops, tile.dot and tile.fill: element-wise along queries, so no sum crosses lanes.
#include "passes/rows/VectorMath.h"
#include "passes/tiles/SoftmaxConstants.h"

using namespace mlir;

namespace drawloom::tiles {
namespace {

Value addF(const Emitter &e, Value x, Value y) { return arith::AddFOp::create(e.b, e.loc, x, y); }
Value subF(const Emitter &e, Value x, Value y) { return arith::SubFOp::create(e.b, e.loc, x, y); }
Value mulF(const Emitter &e, Value x, Value y) { return arith::MulFOp::create(e.b, e.loc, x, y); }

/// `body(offset, lanes)` for each vector of the last dimension of `tile`.
void forEachSegment(Value tile, const Emitter &e, llvm::function_ref<void(Value, int64_t)> body) {
  for (auto [offset, lanes] : segmentsOf(shapeOf(tile).back(), e.width)) body(e.index(offset), lanes);
}

/// `body(offset, lanes, keys)` for each vector of queries of a score tile, with the keys that they meet.
void forEachQueries(Value scores, Value extents, const Emitter &e,
                    llvm::function_ref<void(Value, int64_t, Range)> body) {
  for (auto [offset, lanes] : segmentsOf(shapeOf(scores)[1], std::min(e.width, kExtentQueries)))
    body(e.index(offset), lanes, e.keysOf(extents, offset / kExtentQueries, shapeOf(scores)[0]));
}

} // namespace

void lower(TileSoftmaxStepOp op, const Emitter &e) {
  Value scores = op.getScores();
  forEachQueries(scores, op.getExtents(), e, [&](Value x, int64_t lanes, Range keys) {
    // NaN scores do not become the maximum; they reach the sum through their own exponential.
    auto larger = [&](Value s, Value m) { return vecmath::max(e.b, e.loc, s, m); };
    Value old = larger(e.load(op.getM(), {x}, lanes), e.constant(kNoKey, lanes));
    Values maxima(kPartials, old);
    maxima = e.unrolled(keys, kPartials, maxima, [&](Value y, int64_t slot, Values maxima) {
      maxima[slot] = larger(e.load(scores, {y, x}, lanes), maxima[slot]);
      return maxima;
    });
    Value m = fold(maxima, larger);
    Value rescale = vecmath::exp2(e.b, e.loc, subF(e, old, m));
    Values sums(kPartials, e.constant(0.0, lanes));
    sums = e.unrolled(keys, kPartials, sums, [&](Value y, int64_t slot, Values sums) {
      Value p = vecmath::exp2(e.b, e.loc, subF(e, e.load(scores, {y, x}, lanes), m));
      e.store(p, scores, {y, x});
      sums[slot] = addF(e, sums[slot], p);
      return sums;
    });
    Value sum = fold(sums, [&](Value a, Value b) { return addF(e, a, b); });
    Value l = e.fma(e.load(op.getL(), {x}, lanes), rescale, sum);
    e.store(m, op.getM(), {x});
    e.store(l, op.getL(), {x});
    e.store(rescale, op.getRescale(), {x});
  });
}

static void divideRows(TileSoftmaxFinishOp op, const Emitter &e) {
  Value acc = op.getAcc(), one = arith::ConstantOp::create(e.b, e.loc, e.b.getF32FloatAttr(1.0));
  e.loop(e.index(0), e.index(shapeOf(acc)[0]), 1, [&](Value x) {
    Value inverse = arith::DivFOp::create(e.b, e.loc, one, e.scalar(op.getL(), {x}));
    for (auto [offset, lanes] : segmentsOf(shapeOf(acc)[1], e.width)) {
      SmallVector<Value> at{x, e.index(offset)};
      e.store(mulF(e, e.load(acc, at, lanes), e.splat(inverse, lanes)), acc, at);
    }
  });
}

void lower(TileSoftmaxFinishOp op, const Emitter &e) {
  Value acc = op.getAcc();
  if (op.getByRow()) divideRows(op, e);
  forEachSegment(op.getM(), e, [&](Value x, int64_t lanes) {
    Value l = e.load(op.getL(), {x}, lanes), m = e.load(op.getM(), {x}, lanes);
    Value lse = e.fma(m, e.constant(kLn2, lanes), vecmath::log(e.b, e.loc, l));
    Value none = arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::OLE, m, e.constant(kNoKey, lanes));
    e.store(arith::SelectOp::create(e.b, e.loc, none, e.constant(-kInf, lanes), lse), op.getM(), {x});
    if (op.getByRow()) return;
    Value inverse = arith::DivFOp::create(e.b, e.loc, e.constant(1.0, lanes), l);
    e.unrolled({shapeOf(acc)[0]}, kPartials, {}, [&](Value c, int64_t, Values) {
      e.store(mulF(e, e.load(acc, {c, x}, lanes), inverse), acc, {c, x});
      return Values();
    });
  });
}

void lower(TileSoftmaxGradOp op, const Emitter &e) {
  Value scores = op.getScores(), grads = op.getGrads();
  forEachQueries(scores, op.getExtents(), e, [&](Value x, int64_t lanes, Range keys) {
    Value lse = e.load(op.getLse(), {x}, lanes), delta = e.load(op.getDelta(), {x}, lanes);
    // A query without keys has only masked scores; any finite number in place of its -inf makes them zero.
    Value none = arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::OEQ, lse, e.constant(-kInf, lanes));
    lse = arith::SelectOp::create(e.b, e.loc, none, e.constant(0.0, lanes), lse);
    e.unrolled(keys, kPartials, {}, [&](Value y, int64_t, Values) {
      // One rounding: the product with log2 e is exact inside the multiply-add.
      Value s = e.fma(lse, e.constant(-kLog2E, lanes), e.load(scores, {y, x}, lanes));
      Value p = vecmath::exp2(e.b, e.loc, s);
      e.store(p, scores, {y, x});
      e.store(mulF(e, p, subF(e, e.load(grads, {y, x}, lanes), delta)), grads, {y, x});
      return Values();
    });
  });
}

void lower(TileDotOp op, const Emitter &e) {
  forEachSegment(op.getA(), e, [&](Value x, int64_t lanes) {
    Values sums(kPartials, e.constant(0.0, lanes));
    sums = e.unrolled({shapeOf(op.getA())[0]}, kPartials, sums, [&](Value c, int64_t slot, Values sums) {
      sums[slot] = e.fma(e.load(op.getA(), {c, x}, lanes), e.load(op.getB(), {c, x}, lanes), sums[slot]);
      return sums;
    });
    e.store(fold(sums, [&](Value a, Value b) { return addF(e, a, b); }), op.getOut(), {x});
  });
}

void lower(TileFillOp op, const Emitter &e) {
  Value tile = op.getTile();
  double value = op.getValue().convertToDouble();
  forEachSegment(tile, e, [&](Value x, int64_t lanes) {
    Value v = e.constant(value, lanes);
    if (shapeOf(tile).size() == 1) return e.store(v, tile, {x});
    e.unrolled({shapeOf(tile)[0]}, kPartials, {}, [&](Value y, int64_t, Values) {
      e.store(v, tile, {y, x});
      return Values();
    });
  });
}

} // namespace drawloom::tiles
