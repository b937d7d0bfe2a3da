// The optimizer: global norm, AdamW with clipping, exponential moving averages (paper section 6).
#include "dialect/interp/Environment.h"
#include "runtime/abi/Abi.h"
#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace drawloom;

LogicalResult drawloom::interpret(GlobalNormOp op, Environment &env) {
  double squares = 0;
  for (Value operand : op.getTensors())
    for (double v : env.get(operand).values) squares += v * v;
  env.set(op.getNorm(), Tensor::full({1}, std::sqrt(squares)));
  return success();
}

LogicalResult drawloom::interpret(AdamOp op, Environment &env) {
  Tensor p = env.get(op.getParam()), m = env.get(op.getM()), v = env.get(op.getV()),
         grad = env.get(op.getGrad());
  const std::vector<double> &hyper = env.get(op.getHyper()).values;
  double norm = env.get(op.getNorm()).values[0], clip = hyper[abi::kClipNorm],
         unscale = hyper[abi::kGradScale];
  if (std::isfinite(norm)) {
    double clipped =
        clip > 0 ? std::min(1.0, clip / (unscale * norm)) : 1.0; // clip / 0 is infinity: no clipping
    double scale = clipped * unscale;
    double b1 = hyper[abi::kBeta1], b2 = hyper[abi::kBeta2], lr = hyper[abi::kLearningRate];
    double decay = op.getDecay() ? hyper[abi::kWeightDecay] : 0.0;
    for (size_t k = 0; k < p.values.size(); ++k) {
      double g = scale * grad.values[k];
      m.values[k] = b1 * m.values[k] + (1 - b1) * g;
      v.values[k] = b2 * v.values[k] + (1 - b2) * g * g;
      double root = std::sqrt(v.values[k] / hyper[abi::kBiasCorrection2]);
      double step = (m.values[k] / hyper[abi::kBiasCorrection1]) / (root + hyper[abi::kEpsilon]);
      p.values[k] -= lr * (step + decay * p.values[k]);
      grad.values[k] = 0;
    }
  } else if (hyper[abi::kSkipNonFinite] > 0) {
    std::fill(grad.values.begin(), grad.values.end(), 0.0);
  }
  env.set(op.getNewParam(), std::move(p));
  env.set(op.getNewM(), std::move(m));
  env.set(op.getNewV(), std::move(v));
  env.set(op.getNewGrad(), std::move(grad));
  return success();
}

LogicalResult drawloom::interpret(EmaOp op, Environment &env) {
  Tensor e = env.get(op.getEma());
  const Tensor &p = env.get(op.getParam());
  double decay = env.get(op.getHyper()).values[abi::kEmaDecay];
  if (std::isfinite(env.get(op.getNorm()).values[0]))
    for (size_t k = 0; k < e.values.size(); ++k)
      e.values[k] = decay * e.values[k] + (1 - decay) * p.values[k];
  env.set(op.getNewEma(), std::move(e));
  return success();
}
