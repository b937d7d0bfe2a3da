// Row operations: embeddings, LayerNorm, GELU, dropout, splitting, cross-entropy, and their gradients.
#include "dialect/interp/Environment.h"
#include "runtime/abi/Philox.h"
#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace drawloom;

//===-- embeddings -------------------------------------------------------------------------------===//

namespace {

LogicalResult checkIndex(Operation *op, StringRef what, int64_t index, int64_t below) {
  if (index >= 0 && index < below) return success();
  return op->emitOpError() << what << " must be in [0, " << below << "), got " << index;
}

/// The row of a position table with divisor d that position i reads.
int64_t positionRow(int64_t i, int64_t divisor, int64_t rows) { return (i / divisor) % rows; }

void addRow(const double *from, double *to, int64_t d) {
  for (int64_t c = 0; c < d; ++c) to[c] += from[c];
}

} // namespace

LogicalResult drawloom::interpret(EmbedOp op, Environment &env) {
  const Tensor &tokens = env.get(op.getTokens()), &table = env.get(op.getTable());
  int64_t offset = op.getOffset() ? env.get(op.getOffset()).integers[0] : 0, n = tokens.shape[1];
  if (offset < 0) return op.emitOpError() << "the offset must not be negative, got " << offset;
  Tensor out = zerosFor(op.getOut());
  for (int64_t r = 0; r < out.rows(); ++r) {
    int64_t token = tokens.integers[r];
    if (failed(checkIndex(op, "a token", token, table.shape[0]))) return failure();
    addRow(table.row(token), out.row(r), out.columns());
    for (auto [positions, divisor] : llvm::zip(op.getPositions(), op.getDivisors())) {
      const Tensor &p = env.get(positions);
      addRow(p.row(positionRow(r % n + offset, divisor, p.shape[0])), out.row(r), out.columns());
    }
  }
  env.set(op.getOut(), std::move(out));
  return success();
}

LogicalResult drawloom::interpret(EmbedGradOp op, Environment &env) {
  const Tensor &dout = env.get(op.getDout()), &tokens = env.get(op.getTokens());
  int64_t n = tokens.shape[1];
  for (auto [k, result] : llvm::enumerate(op.getDtables())) {
    Tensor d = zerosFor(result);
    for (int64_t r = 0; r < dout.rows(); ++r) {
      int64_t row = k == 0 ? tokens.integers[r] : positionRow(r % n, op.getDivisors()[k - 1], d.shape[0]);
      if (failed(checkIndex(op, "a token", row, d.shape[0]))) return failure();
      addRow(dout.row(r), d.row(row), d.columns());
    }
    env.set(result, std::move(d));
  }
  return success();
}

//===-- LayerNorm --------------------------------------------------------------------------------===//

LogicalResult drawloom::interpret(LayerNormOp op, Environment &env) {
  const Tensor &x = env.get(op.getX()), &gamma = env.get(op.getGamma()), &beta = env.get(op.getBeta());
  Tensor out = zerosFor(op.getOut()), mean = zerosFor(op.getMean()), rstd = zerosFor(op.getRstd());
  int64_t d = x.columns();
  for (int64_t r = 0; r < x.rows(); ++r) {
    const double *row = x.row(r);
    double sum = 0, squares = 0;
    for (int64_t c = 0; c < d; ++c) sum += row[c];
    double m = sum / d;
    for (int64_t c = 0; c < d; ++c) squares += (row[c] - m) * (row[c] - m);
    double s = 1.0 / std::sqrt(squares / d + op.getEpsilon().convertToDouble());
    for (int64_t c = 0; c < d; ++c) out.row(r)[c] = (row[c] - m) * s * gamma.values[c] + beta.values[c];
    mean.values[r] = m;
    rstd.values[r] = s;
  }
  env.set(op.getOut(), std::move(out));
  env.set(op.getMean(), std::move(mean));
  env.set(op.getRstd(), std::move(rstd));
  return success();
}

/// With y = (x - mean) rstd and g = dout * gamma: dx = rstd (g - mean(g) - y mean(g y)).
LogicalResult drawloom::interpret(LayerNormGradOp op, Environment &env) {
  const Tensor &dout = env.get(op.getDout()), &x = env.get(op.getX()), &gamma = env.get(op.getGamma());
  const Tensor &mean = env.get(op.getMean()), &rstd = env.get(op.getRstd());
  Tensor dx = zerosFor(op.getDx()), dgamma = zerosFor(op.getDgamma()), dbeta = zerosFor(op.getDbeta());
  int64_t d = x.columns();
  for (int64_t r = 0; r < x.rows(); ++r) {
    auto y = [&](int64_t c) { return (x.row(r)[c] - mean.values[r]) * rstd.values[r]; };
    auto g = [&](int64_t c) { return dout.row(r)[c] * gamma.values[c]; };
    double meanG = 0, meanGy = 0;
    for (int64_t c = 0; c < d; ++c) {
      meanG += g(c) / d;
      meanGy += g(c) * y(c) / d;
    }
    for (int64_t c = 0; c < d; ++c) {
      dx.row(r)[c] = rstd.values[r] * (g(c) - meanG - y(c) * meanGy);
      dgamma.values[c] += dout.row(r)[c] * y(c);
      dbeta.values[c] += dout.row(r)[c];
    }
  }
  env.set(op.getDx(), std::move(dx));
  env.set(op.getDgamma(), std::move(dgamma));
  env.set(op.getDbeta(), std::move(dbeta));
  return success();
}

//===-- elementwise ------------------------------------------------------------------------------===//

LogicalResult drawloom::interpret(BiasAddOp op, Environment &env) {
  Tensor out = env.get(op.getX());
  const Tensor &bias = env.get(op.getBias());
  for (int64_t r = 0; r < out.rows(); ++r) addRow(bias.values.data(), out.row(r), out.columns());
  env.set(op.getOut(), std::move(out));
  return success();
}

LogicalResult drawloom::interpret(ColumnSumOp op, Environment &env) {
  const Tensor &x = env.get(op.getX());
  Tensor out = op.getInit() ? env.get(op.getInit()) : zerosFor(op.getOut());
  for (int64_t r = 0; r < x.rows(); ++r) addRow(x.row(r), out.values.data(), x.columns());
  env.set(op.getOut(), std::move(out));
  return success();
}

LogicalResult drawloom::interpret(AddOp op, Environment &env) {
  Tensor out = env.get(op.getA());
  const Tensor &b = env.get(op.getB());
  for (size_t k = 0; k < out.values.size(); ++k) out.values[k] += b.values[k];
  env.set(op.getOut(), std::move(out));
  return success();
}

LogicalResult drawloom::interpret(CastOp op, Environment &env) {
  env.set(op.getOut(), env.ref(op.getX()));
  return success();
}

LogicalResult drawloom::interpret(FillOp op, Environment &env) {
  Tensor out = zerosFor(op.getOut());
  std::fill(out.values.begin(), out.values.end(), op.getValue().convertToDouble());
  env.set(op.getOut(), std::move(out));
  return success();
}

static double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }
static constexpr double kGeluSlope = 1.702;

LogicalResult drawloom::interpret(GeluOp op, Environment &env) {
  Tensor out = env.get(op.getX());
  for (double &x : out.values) x *= sigmoid(kGeluSlope * x);
  env.set(op.getOut(), std::move(out));
  return success();
}

LogicalResult drawloom::interpret(GeluGradOp op, Environment &env) {
  Tensor dx = env.get(op.getDout());
  const Tensor &x = env.get(op.getX());
  for (size_t k = 0; k < dx.values.size(); ++k) {
    double v = x.values[k], s = sigmoid(kGeluSlope * v);
    dx.values[k] *= s + kGeluSlope * v * s * (1.0 - s);
  }
  env.set(op.getDx(), std::move(dx));
  return success();
}

LogicalResult drawloom::interpret(DropoutOp op, Environment &env) {
  Tensor out = env.get(op.getX());
  const Tensor &rng = env.get(op.getRng());
  double rate = op.getRate().convertToDouble();
  uint32_t threshold = abi::dropoutThreshold(rate);
  for (size_t k = 0; k < out.values.size(); ++k) {
    bool kept = abi::dropoutWord(rng.integers[0], rng.integers[1], uint32_t(op.getSite()), k) >= threshold;
    out.values[k] = kept ? out.values[k] / (1.0 - rate) : 0.0;
  }
  env.set(op.getOut(), std::move(out));
  return success();
}

//===-- parts of rows ----------------------------------------------------------------------------===//

LogicalResult drawloom::interpret(SplitOp op, Environment &env) {
  const Tensor &x = env.get(op.getX());
  int64_t start = 0;
  for (Value result : op.getParts()) {
    Tensor part = zerosFor(result);
    for (int64_t r = 0; r < part.rows(); ++r) std::copy_n(x.row(r) + start, part.columns(), part.row(r));
    start += part.columns();
    env.set(result, std::move(part));
  }
  return success();
}

LogicalResult drawloom::interpret(ConcatOp op, Environment &env) {
  Tensor out = zerosFor(op.getOut());
  int64_t start = 0;
  for (Value operand : op.getParts()) {
    const Tensor &part = env.get(operand);
    for (int64_t r = 0; r < part.rows(); ++r) std::copy_n(part.row(r), part.columns(), out.row(r) + start);
    start += part.columns();
  }
  env.set(op.getOut(), std::move(out));
  return success();
}

//===-- cross-entropy ----------------------------------------------------------------------------===//

/// log Σ exp of a row.
static double logSumExp(const double *row, int64_t count) {
  double largest = *std::max_element(row, row + count), sum = 0;
  for (int64_t c = 0; c < count; ++c) sum += std::exp(row[c] - largest);
  return largest + std::log(sum);
}

LogicalResult drawloom::interpret(CrossEntropyOp op, Environment &env) {
  const Tensor &logits = env.get(op.getLogits()), &targets = env.get(op.getTargets());
  Tensor nll = zerosFor(op.getNll());
  for (int64_t r = 0; r < logits.rows(); ++r) {
    int64_t target = targets.integers[r];
    if (failed(checkIndex(op, "a target", target, logits.columns()))) return failure();
    nll.values[r] = logSumExp(logits.row(r), logits.columns()) - logits.row(r)[target];
  }
  env.set(op.getNll(), std::move(nll));
  return success();
}

LogicalResult drawloom::interpret(CrossEntropyGradOp op, Environment &env) {
  const Tensor &dnll = env.get(op.getDnll()), &logits = env.get(op.getLogits()),
               &targets = env.get(op.getTargets());
  Tensor d = zerosFor(op.getDlogits());
  for (int64_t r = 0; r < logits.rows(); ++r) {
    int64_t target = targets.integers[r];
    if (failed(checkIndex(op, "a target", target, logits.columns()))) return failure();
    double lse = logSumExp(logits.row(r), logits.columns());
    for (int64_t c = 0; c < logits.columns(); ++c)
      d.row(r)[c] = dnll.values[r] * (std::exp(logits.row(r)[c] - lse) - (c == target ? 1.0 : 0.0));
  }
  env.set(op.getDlogits(), std::move(d));
  return success();
}
