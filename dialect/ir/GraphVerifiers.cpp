// Verifiers of the graph's row operations, linear algebra and optimizer; the rules stand in the ops'
// descriptions.
#include "dialect/ir/Rules.h"
#include <cmath>

using namespace mlir;
using namespace drawloom;

std::string drawloom::shapeText(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << '[';
  llvm::interleaveComma(shape, os);
  os << ']';
  return text;
}

LogicalResult drawloom::checkStaticShapes(Operation *op) {
  auto check = [&](Type type, StringRef what, unsigned k) -> LogicalResult {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor) return success();
    bool positive =
        tensor.hasStaticShape() && llvm::all_of(tensor.getShape(), [](int64_t e) { return e > 0; });
    if (positive) return success();
    return op->emitOpError() << "SHAPE1: " << what << " " << k << " must have positive static extents, got "
                             << type;
  };
  for (auto [k, type] : llvm::enumerate(op->getOperandTypes()))
    if (failed(check(type, "operand", k))) return failure();
  for (auto [k, type] : llvm::enumerate(op->getResultTypes()))
    if (failed(check(type, "result", k))) return failure();
  return success();
}

LogicalResult drawloom::checkShape(Operation *op, StringRef rule, StringRef name, Value value,
                                   ArrayRef<int64_t> expected) {
  if (!value || shapeOf(value) == expected) return success();
  return op->emitOpError() << rule << ": " << name << " must be " << shapeText(expected) << ", got "
                           << shapeText(shapeOf(value));
}

LogicalResult drawloom::checkRank(Operation *op, StringRef rule, StringRef name, Value value, int64_t rank,
                                  StringRef meaning) {
  if (int64_t(shapeOf(value).size()) == rank) return success();
  return op->emitOpError() << rule << ": " << name << " must be " << meaning << ", got "
                           << shapeText(shapeOf(value));
}

namespace {

/// x has at least one dimension, its channels; gives them.
FailureOr<int64_t> channelsOf(Operation *op, StringRef rule, StringRef name, Value x) {
  if (!shapeOf(x).empty()) return shapeOf(x).back();
  return op->emitOpError() << rule << ": " << name << " must have a last dimension, got a scalar";
}

LogicalResult checkDivisors(Operation *op, StringRef rule, ArrayRef<int64_t> divisors) {
  for (int64_t d : divisors)
    if (d <= 0) return op->emitOpError() << rule << ": divisors must be positive, got " << d;
  return success();
}

/// The parts' last dimensions add up to the whole's (rule 1) and the others agree (rule 2).
LogicalResult checkParts(Operation *op, StringRef rule, Value whole, ValueRange parts) {
  std::string sumRule = rule.str() + "1", leadRule = rule.str() + "2";
  auto channels = channelsOf(op, sumRule, "the whole", whole);
  if (failed(channels)) return failure();
  int64_t sum = 0;
  for (Value part : parts) {
    if (shapeOf(part).empty() || withoutLast(shapeOf(part)) != withoutLast(shapeOf(whole)))
      return op->emitOpError() << leadRule << ": a part's leading dimensions must be "
                               << shapeText(withoutLast(shapeOf(whole))) << ", got "
                               << shapeText(shapeOf(part));
    sum += shapeOf(part).back();
  }
  if (sum == *channels) return success();
  return op->emitOpError() << sumRule << ": the parts' last dimensions must add up to " << *channels
                           << ", got " << sum;
}

/// Factors have one element type; their product has it too, or f32 if it has 16 bits.
LogicalResult checkProductTypes(Operation *op, StringRef rule, Value a, Value b, Value out) {
  Type left = getElementTypeOrSelf(a), right = getElementTypeOrSelf(b), product = getElementTypeOrSelf(out);
  if (left != right)
    return op->emitOpError() << rule << ": factors must have one element type, got " << left << " and "
                             << right;
  if (product == left || (left.getIntOrFloatBitWidth() == 16 && product.isF32())) return success();
  return op->emitOpError() << rule << ": the product of " << left << " factors must have "
                           << (left.getIntOrFloatBitWidth() == 16 ? "that type or f32" : "that type")
                           << ", got " << product;
}

LogicalResult checkNormAndHyper(Operation *op, StringRef rule, Value norm, Value hyper) {
  if (failed(checkShape(op, rule, "norm", norm, {1}))) return failure();
  return checkShape(op, rule, "hyper", hyper, {16});
}

} // namespace

LogicalResult EmbedOp::verify() {
  if (failed(checkStaticShapes(*this)) ||
      failed(checkRank(*this, "EMBED1", "table", getTable(), 2, "[V+1, d]")))
    return failure();
  int64_t d = shapeOf(getTable())[1];
  for (Value p : getPositions()) {
    if (failed(checkRank(*this, "EMBED1", "a position table", p, 2, "[rows, d]"))) return failure();
    if (shapeOf(p)[1] != d)
      return emitOpError() << "EMBED1: a position table must have " << d << " columns, got " << shapeOf(p)[1];
  }
  if (getDivisors().size() != getPositions().size())
    return emitOpError() << "EMBED2: expected one divisor for each of " << getPositions().size()
                         << " position tables, got " << getDivisors().size();
  if (failed(checkDivisors(*this, "EMBED2", getDivisors())) ||
      failed(checkRank(*this, "EMBED3", "tokens", getTokens(), 2, "[B, n]")))
    return failure();
  ArrayRef<int64_t> t = shapeOf(getTokens());
  if (failed(checkShape(*this, "EMBED3", "out", getOut(), {t[0], t[1], d}))) return failure();
  return checkShape(*this, "EMBED4", "offset", getOffset(), {1});
}

LogicalResult EmbedGradOp::verify() {
  if (failed(checkStaticShapes(*this)) ||
      failed(checkRank(*this, "EMBEDG1", "tokens", getTokens(), 2, "[B, n]")) ||
      failed(checkRank(*this, "EMBEDG1", "dout", getDout(), 3, "[B, n, d]")))
    return failure();
  ArrayRef<int64_t> t = shapeOf(getTokens());
  int64_t d = shapeOf(getDout())[2];
  if (failed(checkShape(*this, "EMBEDG1", "dout", getDout(), {t[0], t[1], d}))) return failure();
  if (getDtables().size() != getDivisors().size() + 1)
    return emitOpError() << "EMBEDG2: expected " << getDivisors().size() + 1 << " results, got "
                         << getDtables().size();
  for (Value table : getDtables()) {
    if (failed(checkRank(*this, "EMBEDG2", "a result", table, 2, "[rows, d]"))) return failure();
    if (failed(checkShape(*this, "EMBEDG2", "a result", table, {shapeOf(table)[0], d}))) return failure();
  }
  return checkDivisors(*this, "EMBEDG3", getDivisors());
}

LogicalResult LayerNormOp::verify() {
  if (failed(checkStaticShapes(*this))) return failure();
  auto d = channelsOf(*this, "LN1", "x", getX());
  if (failed(d) || failed(checkShape(*this, "LN1", "gamma", getGamma(), {*d})) ||
      failed(checkShape(*this, "LN1", "beta", getBeta(), {*d})))
    return failure();
  Shape rows = withoutLast(shapeOf(getX()));
  if (failed(checkShape(*this, "LN2", "mean", getMean(), rows)) ||
      failed(checkShape(*this, "LN2", "rstd", getRstd(), rows)) ||
      failed(checkShape(*this, "LN3", "out", getOut(), shapeOf(getX()))))
    return failure();
  double epsilon = getEpsilon().convertToDouble();
  if (epsilon > 0 && std::isfinite(epsilon)) return success();
  return emitOpError() << "LN4: epsilon must be positive, got " << epsilon;
}

LogicalResult LayerNormGradOp::verify() {
  if (failed(checkStaticShapes(*this))) return failure();
  auto d = channelsOf(*this, "LNG1", "x", getX());
  if (failed(d)) return failure();
  for (auto [name, v] : {std::pair{"gamma", getGamma()}, {"dgamma", getDgamma()}, {"dbeta", getDbeta()}})
    if (failed(checkShape(*this, "LNG1", name, v, {*d}))) return failure();
  Shape rows = withoutLast(shapeOf(getX()));
  if (failed(checkShape(*this, "LNG2", "mean", getMean(), rows)) ||
      failed(checkShape(*this, "LNG2", "rstd", getRstd(), rows)) ||
      failed(checkShape(*this, "LNG3", "dout", getDout(), shapeOf(getX()))))
    return failure();
  return checkShape(*this, "LNG3", "dx", getDx(), shapeOf(getX()));
}

LogicalResult LinearOp::verify() {
  if (failed(checkStaticShapes(*this))) return failure();
  auto in = channelsOf(*this, "LIN1", "x", getX());
  if (failed(in) || failed(checkRank(*this, "LIN1", "weight", getWeight(), 2, "[out, in]"))) return failure();
  int64_t out = shapeOf(getWeight())[0];
  if (failed(checkShape(*this, "LIN1", "weight", getWeight(), {out, *in})) ||
      failed(checkShape(*this, "LIN2", "bias", getBias(), {out})))
    return failure();
  Shape expected = withoutLast(shapeOf(getX()));
  expected.push_back(out);
  if (failed(checkShape(*this, "LIN3", "out", getOut(), expected))) return failure();
  return checkProductTypes(*this, "LIN4", getX(), getWeight(), getOut());
}

LogicalResult MatmulOp::verify() {
  if (failed(checkStaticShapes(*this))) return failure();
  for (auto [name, v] : {std::pair{"a", getA()}, {"b", getB()}, {"out", getOut()}})
    if (shapeOf(v).size() < 2)
      return emitOpError() << "MM1: " << name << " must have at least 2 dimensions, got "
                           << shapeText(shapeOf(v));
  auto rowsAndColumns = [](Value v, bool transposed) {
    std::pair<int64_t, int64_t> e{numRows(shapeOf(v)), shapeOf(v).back()};
    return transposed ? std::pair{e.second, e.first} : e;
  };
  auto [aRows, aColumns] = rowsAndColumns(getA(), getTransposeA());
  auto [bRows, bColumns] = rowsAndColumns(getB(), getTransposeB());
  if (aColumns != bRows)
    return emitOpError() << "MM1: inner extents must agree, got " << aColumns << " and " << bRows;
  auto [outRows, outColumns] = rowsAndColumns(getOut(), false);
  if (outRows != aRows || outColumns != bColumns)
    return emitOpError() << "MM2: out must have " << aRows << " rows and " << bColumns << " columns, got "
                         << outRows << " and " << outColumns;
  if (getInit() && getInit().getType() != getOut().getType())
    return emitOpError() << "MM3: init must have out's type " << getOut().getType() << ", got "
                         << getInit().getType();
  if (getBias()) {
    if (failed(checkShape(*this, "MM5", "bias", getBias(), {outColumns}))) return failure();
    Type element = getElementTypeOrSelf(getOut());
    if (getElementTypeOrSelf(getBias()) != element)
      return emitOpError() << "MM5: bias must be of " << element << ", got "
                           << getElementTypeOrSelf(getBias());
    if (getInit()) return emitOpError() << "MM5: there must not be both init and bias";
  }
  return checkProductTypes(*this, "MM4", getA(), getB(), getOut());
}

LogicalResult BiasAddOp::verify() {
  if (failed(checkStaticShapes(*this))) return failure();
  auto d = channelsOf(*this, "BIAS1", "x", getX());
  if (failed(d) || failed(checkShape(*this, "BIAS1", "bias", getBias(), {*d}))) return failure();
  return checkShape(*this, "BIAS2", "out", getOut(), shapeOf(getX()));
}

LogicalResult ColumnSumOp::verify() {
  if (failed(checkStaticShapes(*this))) return failure();
  auto d = channelsOf(*this, "CSUM1", "x", getX());
  if (failed(d) || failed(checkShape(*this, "CSUM1", "out", getOut(), {*d}))) return failure();
  if (getInit() && getInit().getType() != getOut().getType())
    return emitOpError() << "CSUM2: init must have out's type " << getOut().getType() << ", got "
                         << getInit().getType();
  return success();
}

LogicalResult AddOp::verify() { return checkStaticShapes(*this); }
LogicalResult CastOp::verify() {
  if (failed(checkStaticShapes(*this)) ||
      failed(checkShape(*this, "CAST1", "out", getOut(), shapeOf(getX()))))
    return failure();
  Type from = getElementTypeOrSelf(getX());
  if (from != getElementTypeOrSelf(getOut())) return success();
  return emitOpError() << "CAST2: expected another element type than " << from;
}
LogicalResult FillOp::verify() { return checkStaticShapes(*this); }
LogicalResult GeluOp::verify() { return checkStaticShapes(*this); }
LogicalResult GeluGradOp::verify() { return checkStaticShapes(*this); }

LogicalResult DropoutOp::verify() {
  if (failed(checkStaticShapes(*this))) return failure();
  double rate = getRate().convertToDouble();
  if (!(rate >= 0 && rate < 1)) return emitOpError() << "DROP1: rate must be in [0, 1), got " << rate;
  auto rng = cast<RankedTensorType>(getRng().getType());
  if (!rng.getElementType().isInteger(64) || rng.getShape() != ArrayRef<int64_t>{2})
    return emitOpError() << "DROP2: rng must be an i64 tensor [2] (seed, micro-step), got " << rng;
  if (failed(checkShape(*this, "DROP3", "out", getOut(), shapeOf(getX())))) return failure();
  int64_t site = getSite();
  if (site >= 0 && site <= int64_t(UINT32_MAX)) return success();
  return emitOpError() << "DROP4: site must be in [0, 2^32), got " << site;
}

LogicalResult SplitOp::verify() {
  if (failed(checkStaticShapes(*this))) return failure();
  return checkParts(*this, "SPLIT", getX(), getParts());
}

LogicalResult ConcatOp::verify() {
  if (failed(checkStaticShapes(*this))) return failure();
  return checkParts(*this, "CONCAT", getOut(), getParts());
}

static LogicalResult verifyCrossEntropy(Operation *op, StringRef rule, Value logits, Value targets, Value nll,
                                        StringRef nllName) {
  if (failed(checkStaticShapes(op)) || failed(checkRank(op, rule, "logits", logits, 3, "[B, n, V]")))
    return failure();
  Shape rows = withoutLast(shapeOf(logits));
  if (failed(checkShape(op, rule, "targets", targets, rows))) return failure();
  return checkShape(op, rule, nllName, nll, rows);
}

LogicalResult CrossEntropyOp::verify() {
  return verifyCrossEntropy(*this, "XENT1", getLogits(), getTargets(), getNll(), "nll");
}

LogicalResult CrossEntropyGradOp::verify() {
  if (failed(verifyCrossEntropy(*this, "XENTG1", getLogits(), getTargets(), getDnll(), "dnll")))
    return failure();
  return checkShape(*this, "XENTG1", "dlogits", getDlogits(), shapeOf(getLogits()));
}

LogicalResult GlobalNormOp::verify() {
  if (failed(checkStaticShapes(*this)) || failed(checkShape(*this, "NORM1", "norm", getNorm(), {1})))
    return failure();
  if (getTensors().empty()) return emitOpError() << "NORM2: expected at least one tensor, got none";
  return success();
}

LogicalResult AdamOp::verify() {
  if (failed(checkStaticShapes(*this))) return failure();
  Type type = getParam().getType();
  for (auto [name, v] : {std::pair{"grad", Value(getGrad())},
                         {"m", getM()},
                         {"v", getV()},
                         {"new_param", getNewParam()},
                         {"new_m", getNewM()},
                         {"new_v", getNewV()},
                         {"new_grad", getNewGrad()}})
    if (v.getType() != type)
      return emitOpError() << "ADAM1: " << name << " must have param's type " << type << ", got "
                           << v.getType();
  return checkNormAndHyper(*this, "ADAM2", getNorm(), getHyper());
}

LogicalResult EmaOp::verify() {
  if (failed(checkStaticShapes(*this)) ||
      failed(checkShape(*this, "EMA1", "param", getParam(), shapeOf(getEma()))) ||
      failed(checkShape(*this, "EMA1", "new_ema", getNewEma(), shapeOf(getEma()))))
    return failure();
  return checkNormAndHyper(*this, "EMA2", getNorm(), getHyper());
}
