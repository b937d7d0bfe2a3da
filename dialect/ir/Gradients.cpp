// The gradient rule of each differentiable graph op. SegmentOp's stands in SegmentGradient.cpp.
#include "dialect/ir/Dialect.h"
#include "dialect/ir/ReverseMode.h"

using namespace mlir;
using namespace drawloom;

namespace {

using Values = SmallVector<Value>;

/// Only `out` of an op with further results (statistics, log-sum-exp) may influence the objective.
bool flowsThroughOutAlone(Operation *op, ValueRange resultGrads) {
  if (llvm::none_of(resultGrads.drop_front(), [](Value g) { return bool(g); })) return true;
  op->emitOpError() << "DIFF2: gradients flow through its first result alone";
  return false;
}

} // namespace

Values EmbedOp::buildGradient(OpBuilder &b, ValueRange grads) {
  if (getOffset()) {
    emitOpError() << "DIFF3: an embedding with an offset is for decoding and has no gradient";
    return {};
  }
  SmallVector<Type> types{getTable().getType()};
  llvm::append_range(types, getPositions().getTypes());
  auto tables =
      EmbedGradOp::create(b, getLoc(), types, grads[0], getTokens(), getDivisorsAttr()).getDtables();
  Values result{Value()};
  llvm::append_range(result, tables);
  return result;
}

Values LayerNormOp::buildGradient(OpBuilder &b, ValueRange grads) {
  if (!flowsThroughOutAlone(*this, grads)) return {};
  auto g = LayerNormGradOp::create(b, getLoc(), getX().getType(), getGamma().getType(), getBeta().getType(),
                                   grads[0], getX(), getGamma(), getMean(), getRstd());
  return {g.getDx(), g.getDgamma(), g.getDbeta()};
}

/// Products take dout in the type of their other factor. The gradients of a 16-bit weight and bias are sums
/// over all rows and stay f32.
Values LinearOp::buildGradient(OpBuilder &b, ValueRange grads) {
  auto weight = cast<RankedTensorType>(getWeight().getType());
  Value dout = withElementType(b, getLoc(), grads[0], weight.getElementType());
  Value dx =
      MatmulOp::create(b, getLoc(), getX().getType(), dout, getWeight(), /*init=*/Value(), /*bias=*/Value());
  auto sumsOf = [&](Value v) {
    auto type = cast<RankedTensorType>(v.getType());
    return type.getElementTypeBitWidth() == 16 ? type.clone(b.getF32Type()) : type;
  };
  Value dw = MatmulOp::create(b, getLoc(), sumsOf(getWeight()), dout, getX(), /*init=*/Value(),
                              /*bias=*/Value(), /*transpose_a=*/true);
  if (!getBias()) return {dx, dw};
  Value db = ColumnSumOp::create(b, getLoc(), sumsOf(getBias()), grads[0], Value());
  return {dx, dw, db};
}

Values AddOp::buildGradient(OpBuilder &, ValueRange grads) { return {grads[0], grads[0]}; }

Values CastOp::buildGradient(OpBuilder &b, ValueRange grads) {
  return {withElementType(b, getLoc(), grads[0], getElementTypeOrSelf(getX()))};
}

Values GeluOp::buildGradient(OpBuilder &b, ValueRange grads) {
  return {GeluGradOp::create(b, getLoc(), getX().getType(), grads[0], getX())};
}

/// The mask is a function of rng, site and index: dropping the gradient out with the same ones is the
/// transpose.
Values DropoutOp::buildGradient(OpBuilder &b, ValueRange grads) {
  return {DropoutOp::create(b, getLoc(), getX().getType(), grads[0], getRng(), getRateAttr(), getSiteAttr()),
          Value()};
}

Values SplitOp::buildGradient(OpBuilder &b, ValueRange grads) {
  Values parts;
  for (auto [part, grad] : llvm::zip(getParts(), grads))
    parts.push_back(grad ? grad
                         : FillOp::create(b, getLoc(), part.getType(), b.getF64FloatAttr(0.0)).getOut());
  return {ConcatOp::create(b, getLoc(), getX().getType(), parts)};
}

Values AttentionOp::buildGradient(OpBuilder &b, ValueRange grads) {
  if (!flowsThroughOutAlone(*this, grads)) return {};
  auto g = AttentionGradOp::create(b, getLoc(), getQ().getType(), getK().getType(), getV().getType(),
                                   grads[0], getQ(), getK(), getV(), getOut(), getLse(), getPatternAttr(),
                                   getHeadsAttr(), getScaleAttr());
  return {g.getDq(), g.getDk(), g.getDv()};
}

Values CrossEntropyOp::buildGradient(OpBuilder &b, ValueRange grads) {
  Value d =
      CrossEntropyGradOp::create(b, getLoc(), getLogits().getType(), grads[0], getLogits(), getTargets());
  return {d, Value()};
}
