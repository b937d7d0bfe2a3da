// What an optimizer step does to a parameter: AdamW and the moving average.
#include "passes/rows/RowOps.h"
#include "runtime/abi/Abi.h"

using namespace mlir;

namespace drawloom::rows {

/// True if the norm is finite: only then does an update change anything.
static Value isFinite(OpBuilder &b, Location loc, Value norm) {
  Value infinity = vecmath::constant(b, loc, norm.getType(), std::numeric_limits<double>::infinity());
  return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, norm, infinity);
}

void RowOps::addAdam(AdamOp op) {
  Math k = math();
  auto hyper = [&](abi::Hyper index) { return loadConstant(op.getHyper(), index); };
  Value norm = loadConstant(op.getNorm(), 0), finite = isFinite(k.b, k.loc, norm), one = f32(1.0),
        zero = f32(0.0);
  Value clip = hyper(abi::kClipNorm), unscale = hyper(abi::kGradScale);
  Value clipped = vecmath::min(k.b, k.loc, k.div(clip, k.mul(norm, unscale)), one);
  Value clips = arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OGT, clip, zero);
  Value scale = k.mul(k.select(clips, clipped, one), unscale);
  Value skips =
      arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OGT, hyper(abi::kSkipNonFinite), zero);
  Value isOver = arith::OrIOp::create(k.b, k.loc, finite, skips); // the gradients have done their duty
  Value b1 = hyper(abi::kBeta1), b2 = hyper(abi::kBeta2), rate = hyper(abi::kLearningRate),
        epsilon = hyper(abi::kEpsilon);
  Value rest1 = k.sub(one, b1), rest2 = k.sub(one, b2);
  Value correction1 = hyper(abi::kBiasCorrection1), correction2 = hyper(abi::kBiasCorrection2);
  Value decay = hyper(abi::kWeightDecay);
  bool decays = op.getDecay();

  Node *param = columns(op.getParam()), *grad = columns(op.getGrad()), *m = columns(op.getM()),
       *v = columns(op.getV());
  int64_t width = param->width;
  Node *scaled = program.map({grad}, width,
                             [=](Math e, ArrayRef<Value> a) { return e.mul(a[0], e.splat(a[0], scale)); });
  Node *mean = program.map({m, scaled}, width, [=](Math e, ArrayRef<Value> a) {
    return e.fma(a[0], e.splat(a[0], b1), e.mul(a[1], e.splat(a[1], rest1)));
  });
  Node *square = program.map({v, scaled}, width, [=](Math e, ArrayRef<Value> a) {
    return e.fma(a[0], e.splat(a[0], b2), e.mul(e.mul(a[1], a[1]), e.splat(a[1], rest2)));
  });
  auto keepIfFinite = [=](Math e, Value changed, Value old) {
    return e.select(e.splat(old, finite), changed, old);
  };
  elements(op.getNewParam(), {param, mean, square}, [=](Math e, ArrayRef<Value> a) {
    Value p = a[0];
    Value root = e.sqrt(e.div(a[2], e.splat(p, correction2)));
    Value step = e.div(e.div(a[1], e.splat(p, correction1)), e.add(root, e.splat(p, epsilon)));
    if (decays) step = e.fma(e.splat(p, decay), p, step);
    return keepIfFinite(e, e.sub(p, e.mul(e.splat(p, rate), step)), p);
  });
  auto keep = [=](Math e, ArrayRef<Value> a) { return keepIfFinite(e, a[0], a[1]); };
  elements(op.getNewM(), {mean, m}, keep);
  elements(op.getNewV(), {square, v}, keep);
  elements(op.getNewGrad(), {grad}, [=](Math e, ArrayRef<Value> a) {
    return e.select(e.splat(a[0], isOver), e.constant(a[0], 0.0), a[0]);
  });
}

void RowOps::addEma(EmaOp op) {
  Math k = math();
  Value finite = isFinite(k.b, k.loc, loadConstant(op.getNorm(), 0));
  Value decay = loadConstant(op.getHyper(), abi::kEmaDecay), rest = k.sub(f32(1.0), decay);
  elements(op.getNewEma(), {columns(op.getEma()), columns(op.getParam())}, [=](Math e, ArrayRef<Value> a) {
    Value next = e.fma(a[0], e.splat(a[0], decay), e.mul(a[1], e.splat(a[1], rest)));
    return e.select(e.splat(a[0], finite), next, a[0]);
  });
}

} // namespace drawloom::rows
