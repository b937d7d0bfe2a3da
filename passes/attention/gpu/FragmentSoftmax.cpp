#include "passes/attention/gpu/FragmentSoftmax.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include <limits>

using namespace mlir;

namespace drawloom::attention {

Value FragmentSoftmax::constant(double value) const {
  return arith::ConstantOp::create(g.b, g.loc, g.b.getF32FloatAttr(float(value)));
}

Value FragmentSoftmax::isNegativeInfinity(Value x) const {
  return arith::CmpFOp::create(g.b, g.loc, arith::CmpFPredicate::OEQ, x,
                               constant(-std::numeric_limits<double>::infinity()));
}

SoftmaxState FragmentSoftmax::nothing() const {
  return {pair(constant(-std::numeric_limits<double>::infinity())), pair(constant(0))};
}

Value FragmentSoftmax::combine(Value x, Value y, bool isMax) const {
  if (isMax) return arith::MaxNumFOp::create(g.b, g.loc, x, y);
  return arith::AddFOp::create(g.b, g.loc, x, y);
}

/// A tree over 8-column blocks, so that few of the additions wait for each other.
RowPair FragmentSoftmax::reduce(Value fragment, bool isMax) const {
  auto type = cast<VectorType>(fragment.getType());
  SmallVector<Value> parts;
  for (int64_t j = 0; j < type.getDimSize(0); ++j)
    parts.push_back(vector::ExtractOp::create(g.b, g.loc, fragment, j));
  while (parts.size() > 1) {
    SmallVector<Value> next;
    for (size_t i = 0; i + 1 < parts.size(); i += 2) next.push_back(combine(parts[i], parts[i + 1], isMax));
    if (parts.size() % 2) next.push_back(parts.back());
    parts = next;
  }
  auto last = vector::ToElementsOp::create(g.b, g.loc, parts.front());
  return {combine(last.getResult(0), last.getResult(1), isMax),
          combine(last.getResult(2), last.getResult(3), isMax)};
}

RowPair FragmentSoftmax::acrossLanes(const RowPair &x, bool isMax) const {
  return map(x, [&](Value value) {
    for (int32_t distance : {1, 2}) {
      auto other = gpu::ShuffleOp::create(g.b, g.loc, value, distance, 32, gpu::ShuffleMode::XOR);
      value = combine(value, other.getShuffleResult(), isMax);
    }
    return value;
  });
}

Value FragmentSoftmax::spreadRows(const RowPair &x, VectorType type) const {
  auto column = g.vector({2, 1}, g.b.getF32Type());
  return g.spread(vector::FromElementsOp::create(g.b, g.loc, column, ValueRange{x[0], x[1]}), type);
}

Value FragmentSoftmax::scaleRows(Value fragment, const RowPair &factor) const {
  return g.mulf(fragment, spreadRows(factor, cast<VectorType>(fragment.getType())));
}

RowPair FragmentSoftmax::shiftOf(const RowPair &greatest) const {
  // A row that has met no key yet must not compute -inf - -inf.
  return map(greatest, [&](Value x) {
    Value scaled = g.select(isNegativeInfinity(x), constant(0), g.mulf(x, constant(scale)));
    return arith::NegFOp::create(g.b, g.loc, scaled).getResult();
  });
}

RowPair FragmentSoftmax::greatestWith(Value scores, const RowPair &before) const {
  return zip(acrossLanes(reduce(scores, true), true), before,
             [&](Value x, Value y) { return combine(x, y, true); });
}

RowPair FragmentSoftmax::rescaling(const RowPair &before, const RowPair &now) const {
  return zip(before, shiftOf(now), [&](Value x, Value shift) {
    return dgpu::Exp2Op::create(g.b, g.loc, g.fma(x, constant(scale), shift));
  });
}

FragmentSoftmax::Added FragmentSoftmax::added(Value scores, const RowPair &greatest) const {
  auto type = cast<VectorType>(scores.getType());
  Value exponents = g.fma(scores, g.splat(type, scale), spreadRows(shiftOf(greatest), type));
  Value probabilities = dgpu::Exp2Op::create(g.b, g.loc, exponents);
  return {probabilities, reduce(probabilities, false)};
}

FragmentSoftmax::Step FragmentSoftmax::meet(Value scores, const SoftmaxState &before) const {
  Step step;
  step.state.greatest = greatestWith(scores, before.greatest);
  step.rescale = rescaling(before.greatest, step.state.greatest);
  Added tile = added(scores, step.state.greatest);
  step.probabilities = tile.probabilities;
  for (int r : {0, 1}) step.state.sum[r] = g.fma(before.sum[r], step.rescale[r], tile.sums[r]);
  return step;
}

Value FragmentSoftmax::isTooGreat(const Added &added, const RowPair &greatest, Type element) const {
  // No probability is greater than the sum, so f16 (up to 65,504) has all that a sum up to 2^14 allows. bf16
  // reaches as far as f32, 2^127; up to 2^40, sums over keys of their products with values have room too.
  Value limit = constant(element.isF16() ? 0x1p14 : 0x1p40), any;
  for (int r : {0, 1}) {
    Value isGreat = arith::CmpFOp::create(g.b, g.loc, arith::CmpFPredicate::UGT, added.sums[r], limit);
    for (Value reason : {isGreat, isNegativeInfinity(greatest[r])})
      any = any ? arith::OrIOp::create(g.b, g.loc, any, reason).getResult() : reason;
  }
  return dgpu::AnyLaneOp::create(g.b, g.loc, any);
}

} // namespace drawloom::attention
