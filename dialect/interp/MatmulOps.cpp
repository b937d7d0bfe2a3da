// Dense linear algebra.
#include "dialect/interp/Environment.h"

using namespace mlir;
using namespace drawloom;

namespace {

/// The rows of t collapsed to a matrix, transposed if asked.
Tensor asMatrix(const Tensor &t, bool transposed) {
  Tensor m = t;
  m.shape = {t.rows(), t.columns()};
  if (!transposed) return m;
  Tensor result = Tensor::zeros({m.shape[1], m.shape[0]});
  for (int64_t r = 0; r < m.shape[0]; ++r)
    for (int64_t c = 0; c < m.shape[1]; ++c) result.row(c)[r] = m.row(r)[c];
  return result;
}

/// out += a b.
void addProduct(const Tensor &a, const Tensor &b, Tensor &out) {
  int64_t columns = b.shape[1];
  for (int64_t r = 0; r < a.shape[0]; ++r)
    for (int64_t k = 0; k < a.shape[1]; ++k) {
      double factor = a.row(r)[k];
      const double *from = b.row(k);
      double *to = out.values.data() + r * columns;
      for (int64_t c = 0; c < columns; ++c) to[c] += factor * from[c];
    }
}

/// Adds bias, if there is one, to every row of out.
void addBias(Value bias, Environment &env, Tensor &out) {
  if (!bias) return;
  const Tensor &b = env.get(bias);
  for (int64_t r = 0; r < out.rows(); ++r)
    for (int64_t c = 0; c < out.columns(); ++c) out.row(r)[c] += b.values[c];
}

} // namespace

LogicalResult drawloom::interpret(LinearOp op, Environment &env) {
  Tensor out = zerosFor(op.getOut());
  addProduct(asMatrix(env.get(op.getX()), false), asMatrix(env.get(op.getWeight()), true), out);
  addBias(op.getBias(), env, out);
  env.set(op.getOut(), std::move(out));
  return success();
}

LogicalResult drawloom::interpret(MatmulOp op, Environment &env) {
  Tensor out = op.getInit() ? env.get(op.getInit()) : zerosFor(op.getOut());
  addProduct(asMatrix(env.get(op.getA()), op.getTransposeA()),
             asMatrix(env.get(op.getB()), op.getTransposeB()), out);
  addBias(op.getBias(), env, out);
  env.set(op.getOut(), std::move(out));
  return success();
}
