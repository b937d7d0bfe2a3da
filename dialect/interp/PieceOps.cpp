// Attention by pieces: each op walks its view, key intervals for out and dq, row intervals for dk and dv.
#include "dialect/interp/Environment.h"
#include "dialect/interp/HeadRows.h"
#include "dialect/pattern/ViewQuery.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace drawloom;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Pair {
  int64_t h, i, j;
};

LogicalResult checkPosition(Operation *op, StringRef what, int64_t position, int64_t n) {
  if (position >= 0 && position < n) return success();
  return op->emitOpError() << "the view's " << what << " position " << position << " is outside [0, " << n
                           << ")";
}

/// Calls visit({h, i, j}) for every pair of the piece: for each row its key slots, ascending.
template <typename Visit> LogicalResult forEachKey(Operation *op, ViewAttr attr, int64_t n, Visit visit) {
  PieceView view = toView(attr);
  ViewEvaluator at(view);
  for (int64_t h : view.heads)
    for (int64_t s = 0, slices = at.slices(h); s < slices; ++s)
      for (int64_t r = 0, rows = at.rows(h, s); r < rows; ++r) {
        int64_t i = at.query(h, s, r);
        if (failed(checkPosition(op, "query", i, n))) return failure();
        Interval slots = at.keySlots(h, s, r);
        for (int64_t t = slots.lo; t < slots.hi; ++t) {
          int64_t j = at.key(h, s, t);
          if (failed(checkPosition(op, "key", j, n))) return failure();
          if (at.predicate(h, i, j)) visit(Pair{h, i, j});
        }
      }
  return success();
}

/// The same pairs through the transposed bounds: for each key slot its rows, ascending.
template <typename Visit> LogicalResult forEachRow(Operation *op, ViewAttr attr, int64_t n, Visit visit) {
  PieceView view = toView(attr);
  ViewEvaluator at(view);
  for (int64_t h : view.heads)
    for (int64_t s = 0, slices = at.slices(h); s < slices; ++s)
      for (int64_t t = 0, keys = at.keys(h, s); t < keys; ++t) {
        int64_t j = at.key(h, s, t);
        if (failed(checkPosition(op, "key", j, n))) return failure();
        Interval rows = at.queryRows(h, s, t);
        for (int64_t r = rows.lo; r < rows.hi; ++r) {
          int64_t i = at.query(h, s, r);
          if (failed(checkPosition(op, "query", i, n))) return failure();
          if (at.predicate(h, i, j)) visit(Pair{h, i, j});
        }
      }
  return success();
}

} // namespace

/// (out, lse) stands for an accumulator `out` normalized by exp(lse); one more key with score s moves both:
/// lse' = log(exp lse + exp s), out' = out exp(lse - lse') + v exp(s - lse').
LogicalResult drawloom::interpret(AttendOp op, Environment &env) {
  const Tensor &q = env.get(op.getQ()), &k = env.get(op.getK()), &v = env.get(op.getV());
  Tensor out = op.getOut0() ? env.get(op.getOut0()) : zerosFor(op.getOut());
  Tensor lse = op.getLse0() ? env.get(op.getLse0()) : Tensor::full(zerosFor(op.getLse()).shape, -kInfinity);
  int64_t batch = q.shape[0], n = q.shape[1], heads = op.getHeads();
  int64_t widthQk = q.columns() / heads, widthV = v.columns() / heads;
  double scale = op.getScale().convertToDouble();
  auto attend = [&](Pair p) {
    for (int64_t b = 0; b < batch; ++b) {
      double score = scale * dot(headRow(q, b, p.i, p.h, heads), headRow(k, b, p.j, p.h, heads), widthQk);
      double &sum = lse.values[(b * heads + p.h) * n + p.i];
      double largest = std::max(sum, score);
      double next = largest + std::log(std::exp(sum - largest) + std::exp(score - largest));
      double *row = headRow(out, b, p.i, p.h, heads);
      for (int64_t c = 0; c < widthV; ++c) row[c] *= std::exp(sum - next);
      addScaled(row, std::exp(score - next), headRow(v, b, p.j, p.h, heads), widthV);
      sum = next;
    }
  };
  if (failed(forEachKey(op, op.getView(), n, attend))) return failure();
  env.set(op.getOut(), std::move(out));
  env.set(op.getLse(), std::move(lse));
  return success();
}

LogicalResult drawloom::interpret(AttentionDeltaOp op, Environment &env) {
  const Tensor &dout = env.get(op.getDout()), &out = env.get(op.getOut());
  Tensor delta = zerosFor(op.getDelta());
  int64_t batch = out.shape[0], n = out.shape[1], heads = op.getHeads();
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t i = 0; i < n; ++i)
        delta.values[(b * heads + h) * n + i] =
            dot(headRow(dout, b, i, h, heads), headRow(out, b, i, h, heads), out.columns() / heads);
  env.set(op.getDelta(), std::move(delta));
  return success();
}

LogicalResult drawloom::interpret(AttendGradOp op, Environment &env) {
  const Tensor &dout = env.get(op.getDout()), &q = env.get(op.getQ()), &k = env.get(op.getK()),
               &v = env.get(op.getV()), &lse = env.get(op.getLse()), &delta = env.get(op.getDelta());
  Tensor dq = op.getDq0() ? env.get(op.getDq0()) : zerosFor(op.getDq());
  Tensor dk = op.getDk0() ? env.get(op.getDk0()) : zerosFor(op.getDk());
  Tensor dv = op.getDv0() ? env.get(op.getDv0()) : zerosFor(op.getDv());
  int64_t batch = q.shape[0], n = q.shape[1], heads = op.getHeads();
  int64_t widthQk = q.columns() / heads, widthV = v.columns() / heads;
  double scale = op.getScale().convertToDouble();
  // The probability of a pair, and the gradient of its score.
  auto probability = [&](int64_t b, Pair p) {
    double score = scale * dot(headRow(q, b, p.i, p.h, heads), headRow(k, b, p.j, p.h, heads), widthQk);
    return std::exp(score - lse.values[(b * heads + p.h) * n + p.i]);
  };
  auto scoreGradient = [&](int64_t b, Pair p, double probability) {
    double dp = dot(headRow(dout, b, p.i, p.h, heads), headRow(v, b, p.j, p.h, heads), widthV);
    return scale * probability * (dp - delta.values[(b * heads + p.h) * n + p.i]);
  };
  auto addToQuery = [&](Pair p) {
    for (int64_t b = 0; b < batch; ++b)
      addScaled(headRow(dq, b, p.i, p.h, heads), scoreGradient(b, p, probability(b, p)),
                headRow(k, b, p.j, p.h, heads), widthQk);
  };
  auto addToKey = [&](Pair pair) {
    for (int64_t b = 0; b < batch; ++b) {
      double p = probability(b, pair);
      addScaled(headRow(dk, b, pair.j, pair.h, heads), scoreGradient(b, pair, p),
                headRow(q, b, pair.i, pair.h, heads), widthQk);
      addScaled(headRow(dv, b, pair.j, pair.h, heads), p, headRow(dout, b, pair.i, pair.h, heads), widthV);
    }
  };
  if (failed(forEachKey(op, op.getView(), n, addToQuery)) ||
      failed(forEachRow(op, op.getView(), n, addToKey)))
    return failure();
  env.set(op.getDq(), std::move(dq));
  env.set(op.getDk(), std::move(dk));
  env.set(op.getDv(), std::move(dv));
  return success();
}
