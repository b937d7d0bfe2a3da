// Attention over a whole pattern: every pair (i, j) is asked of the pattern itself, so that nothing here
// depends on views.
#include "dialect/interp/Environment.h"
#include "dialect/interp/HeadRows.h"
#include "dialect/ir/Attributes.h"
#include <algorithm>
#include <cmath>
#include <limits>

using namespace mlir;
using namespace drawloom;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<int64_t> keysOf(const drawloom::Pattern &pattern, int64_t h, int64_t i, int64_t n) {
  std::vector<int64_t> keys;
  for (int64_t j = 0; j < n; ++j)
    if (pattern.contains(h, i, j, n)) keys.push_back(j);
  return keys;
}

/// softmax(scale q k^T) v of one query over `keys`, which are rows of batch b of k and v; gives the
/// log-sum-exp.
double attendTo(const std::vector<int64_t> &keys, const double *q, const Tensor &k, const Tensor &v,
                int64_t b, int64_t h, int64_t heads, double scale, double *out) {
  if (keys.empty()) return -kInfinity;
  int64_t widthQk = k.columns() / heads, widthV = v.columns() / heads;
  std::vector<double> scores;
  for (int64_t j : keys) scores.push_back(scale * dot(q, headRow(k, b, j, h, heads), widthQk));
  double largest = *std::max_element(scores.begin(), scores.end()), sum = 0;
  for (double s : scores) sum += std::exp(s - largest);
  for (size_t t = 0; t < keys.size(); ++t)
    addScaled(out, std::exp(scores[t] - largest) / sum, headRow(v, b, keys[t], h, heads), widthV);
  return largest + std::log(sum);
}

} // namespace

LogicalResult drawloom::interpret(AttentionOp op, Environment &env) {
  const Tensor &q = env.get(op.getQ()), &k = env.get(op.getK()), &v = env.get(op.getV());
  Tensor out = zerosFor(op.getOut()), lse = zerosFor(op.getLse());
  int64_t batch = q.shape[0], n = q.shape[1], heads = op.getHeads();
  double scale = op.getScale().convertToDouble();
  const drawloom::Pattern &pattern = patternOf(op.getPattern());
  for (int64_t h = 0; h < heads; ++h)
    for (int64_t i = 0; i < n; ++i) {
      std::vector<int64_t> keys = keysOf(pattern, h, i, n);
      for (int64_t b = 0; b < batch; ++b)
        lse.values[(b * heads + h) * n + i] = attendTo(keys, headRow(q, b, i, h, heads), k, v, b, h, heads,
                                                       scale, headRow(out, b, i, h, heads));
    }
  env.set(op.getOut(), std::move(out));
  env.set(op.getLse(), std::move(lse));
  return success();
}

/// With p = exp(scale q·k - lse), delta = Σ dout out and ds = p (dout·v - delta): dq += scale ds k, dk +=
/// scale ds q, dv += p dout.
LogicalResult drawloom::interpret(AttentionGradOp op, Environment &env) {
  const Tensor &dout = env.get(op.getDout()), &q = env.get(op.getQ()), &k = env.get(op.getK()),
               &v = env.get(op.getV()), &out = env.get(op.getOut()), &lse = env.get(op.getLse());
  Tensor dq = zerosFor(op.getDq()), dk = zerosFor(op.getDk()), dv = zerosFor(op.getDv());
  int64_t batch = q.shape[0], n = q.shape[1], heads = op.getHeads();
  int64_t widthQk = q.columns() / heads, widthV = v.columns() / heads;
  double scale = op.getScale().convertToDouble();
  const drawloom::Pattern &pattern = patternOf(op.getPattern());
  for (int64_t h = 0; h < heads; ++h)
    for (int64_t i = 0; i < n; ++i) {
      std::vector<int64_t> keys = keysOf(pattern, h, i, n);
      for (int64_t b = 0; b < batch; ++b) {
        const double *qi = headRow(q, b, i, h, heads), *di = headRow(dout, b, i, h, heads);
        double delta = dot(di, headRow(out, b, i, h, heads), widthV);
        for (int64_t j : keys) {
          const double *kj = headRow(k, b, j, h, heads);
          double p = std::exp(scale * dot(qi, kj, widthQk) - lse.values[(b * heads + h) * n + i]);
          double ds = scale * p * (dot(di, headRow(v, b, j, h, heads), widthV) - delta);
          addScaled(headRow(dq, b, i, h, heads), ds, kj, widthQk);
          addScaled(headRow(dk, b, j, h, heads), ds, qi, widthQk);
          addScaled(headRow(dv, b, j, h, heads), p, di, widthV);
        }
      }
    }
  env.set(op.getDq(), std::move(dq));
  env.set(op.getDk(), std::move(dk));
  env.set(op.getDv(), std::move(dv));
  return success();
}

LogicalResult drawloom::interpret(AttentionDecodeOp op, Environment &env) {
  const Tensor &q = env.get(op.getQ()), &k = env.get(op.getK()), &v = env.get(op.getV());
  Tensor kcache = env.get(op.getKcache()), vcache = env.get(op.getVcache()), out = zerosFor(op.getOut());
  int64_t batch = q.shape[0], n = kcache.shape[1], heads = op.getHeads();
  int64_t position = env.get(op.getPosition()).integers[0];
  if (position < 0 || position >= n)
    return op.emitOpError() << "the position must be in [0, " << n << "), got " << position;
  for (int64_t b = 0; b < batch; ++b) {
    std::copy_n(k.row(b), k.columns(), kcache.row(b * n + position));
    std::copy_n(v.row(b), v.columns(), vcache.row(b * n + position));
  }
  for (int64_t h = 0; h < heads; ++h) {
    std::vector<int64_t> keys = keysOf(patternOf(op.getPattern()), h, position, n);
    for (int64_t b = 0; b < batch; ++b)
      attendTo(keys, headRow(q, b, 0, h, heads), kcache, vcache, b, h, heads, op.getScale().convertToDouble(),
               headRow(out, b, 0, h, heads));
  }
  env.set(op.getOut(), std::move(out));
  env.set(op.getNewKcache(), std::move(kcache));
  env.set(op.getNewVcache(), std::move(vcache));
  return success();
}
