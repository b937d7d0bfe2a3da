// Row operations that reduce along the row: layer norm and cross-entropy with their gradients.
#include "passes/rows/RowOps.h"

using namespace mlir;

namespace drawloom::rows {

void RowOps::addLayerNorm(LayerNormOp op) {
  Node *x = columns(op.getX()), *gamma = shared(op.getGamma()), *beta = shared(op.getBeta());
  int64_t width = x->width;
  auto divide = [width](Math m, Value sum) { return m.div(sum, m.constant(sum, double(width))); };
  Node *mean = program.mapScalar({program.reduce(x, Reduction::Sum)},
                                 [=](Math m, Value, ArrayRef<Value> a) { return divide(m, a[0]); });
  Node *squares = program.map({x, mean}, width, [](Math m, ArrayRef<Value> a) {
    Value centered = m.sub(a[0], a[1]);
    return m.mul(centered, centered);
  });
  double epsilon = op.getEpsilon().convertToDouble();
  auto toRstd = [=](Math m, Value, ArrayRef<Value> a) {
    Value variance = divide(m, a[0]);
    Value deviation = m.sqrt(m.add(variance, m.constant(variance, epsilon)));
    return m.div(m.constant(variance, 1.0), deviation);
  };
  Node *rstd = program.mapScalar({program.reduce(squares, Reduction::Sum)}, toRstd);
  elements(op.getOut(), {x, mean, rstd, gamma, beta},
           [](Math m, ArrayRef<Value> a) { return m.fma(m.mul(m.sub(a[0], a[1]), a[2]), a[3], a[4]); });
  nodes[op.getMean()] = mean;
  nodes[op.getRstd()] = rstd;
  scalarValues.insert(op.getMean());
  scalarValues.insert(op.getRstd());
}

/// With g = dout gamma and y = (x - mean) rstd: dx = rstd (g - (Σ g + y Σ g y) / d), dgamma = Σ dout y, dbeta
/// = Σ dout.
void RowOps::addLayerNormGrad(LayerNormGradOp op) {
  Node *dout = columns(op.getDout()), *x = columns(op.getX()), *gamma = shared(op.getGamma());
  Node *mean = scalar(op.getMean()), *rstd = scalar(op.getRstd());
  int64_t width = x->width;
  Node *g = program.map({dout, gamma}, width, [](Math m, ArrayRef<Value> a) { return m.mul(a[0], a[1]); });
  Node *y = program.map({x, mean, rstd}, width,
                        [](Math m, ArrayRef<Value> a) { return m.mul(m.sub(a[0], a[1]), a[2]); });
  auto product = [](Math m, ArrayRef<Value> a) { return m.mul(a[0], a[1]); };
  Node *sumG = program.reduce(g, Reduction::Sum),
       *sumGY = program.reduce(program.map({g, y}, width, product), Reduction::Sum);
  // From the inputs again, so that g and y need no memory.
  elements(op.getDx(), {dout, gamma, x, mean, rstd, sumG, sumGY}, [width](Math m, ArrayRef<Value> a) {
    Value y = m.mul(m.sub(a[2], a[3]), a[4]), g = m.mul(a[0], a[1]);
    Value shift = m.mul(m.fma(y, a[6], a[5]), m.constant(y, 1.0 / double(width)));
    return m.mul(m.sub(g, shift), a[4]);
  });
  columnSums[op.getDgamma()] = program.map({dout, y}, width, product);
  columnSums[op.getDbeta()] = dout;
}

/// exp(logits - maximum), one node for the loss and its gradient.
Node *RowOps::exponentials(Node *logits, Node *maximum) {
  Node *&node = knownExponentials[{logits, maximum}];
  if (!node)
    node = program.map({logits, maximum}, logits->width,
                       [](Math m, ArrayRef<Value> a) { return m.exp(m.sub(a[0], a[1])); });
  return node;
}

/// For each column: is it the row's target?
static Value isTarget(const TileContext &at, int64_t vector, Value target) {
  SmallVector<int32_t> numbers(at.lanes);
  std::iota(numbers.begin(), numbers.end(), int32_t(vector * at.lanes));
  auto type = at.vectorOf(at.b.getI32Type());
  Value lanes =
      arith::ConstantOp::create(at.b, at.loc, type, DenseElementsAttr::get(type, ArrayRef<int32_t>(numbers)));
  Value column = arith::IndexCastOp::create(at.b, at.loc, at.b.getI32Type(), at.column);
  Value columns =
      arith::AddIOp::create(at.b, at.loc, vector::BroadcastOp::create(at.b, at.loc, type, column), lanes);
  if (cast<VectorType>(target.getType()).getElementType().isInteger(64))
    target = arith::TruncIOp::create(at.b, at.loc, type, target);
  return arith::CmpIOp::create(at.b, at.loc, arith::CmpIPredicate::eq, columns, target);
}

void RowOps::addCrossEntropy(CrossEntropyOp op) {
  Node *logits = columns(op.getLogits()), *target = scalar(op.getTargets());
  Node *maximum = program.reduce(logits, Reduction::Max);
  Node *sum = program.reduce(exponentials(logits, maximum), Reduction::Sum);
  auto pick = [](const TileContext &at, ArrayRef<Tile> args) {
    Math m = at.math();
    Tile result;
    for (int64_t v = 0; v < at.vectors; ++v)
      result.push_back(m.select(isTarget(at, v, args[1][v]), args[0][v], m.constant(args[0][v], 0.0)));
    return result;
  };
  Node *picked = program.reduce(program.mapTile({logits, target}, logits->width, pick), Reduction::Sum);
  nodes[op.getNll()] = program.mapScalar({maximum, sum, picked}, [](Math m, Value, ArrayRef<Value> a) {
    return m.add(m.sub(a[0], a[2]), m.log(a[1]));
  });
  scalarValues.insert(op.getNll());
}

void RowOps::addCrossEntropyGrad(CrossEntropyGradOp op) {
  Node *logits = columns(op.getLogits()), *target = scalar(op.getTargets()), *dnll = scalar(op.getDnll());
  Node *maximum = program.reduce(logits, Reduction::Max);
  Node *exponential = exponentials(logits, maximum);
  Node *sum = program.reduce(exponential, Reduction::Sum);
  Node *scale =
      program.mapScalar({dnll, sum}, [](Math m, Value, ArrayRef<Value> a) { return m.div(a[0], a[1]); });
  auto fn = [](const TileContext &at, ArrayRef<Tile> args) {
    Math m = at.math();
    Tile result;
    for (int64_t v = 0; v < at.vectors; ++v) {
      Value share = m.mul(args[0][v], args[1][v]);
      result.push_back(m.select(isTarget(at, v, args[2][v]), m.sub(share, args[3][v]), share));
    }
    return result;
  };
  define(op.getDlogits(), program.mapTile({exponential, scale, target, dnll}, logits->width, fn));
}

} // namespace drawloom::rows
