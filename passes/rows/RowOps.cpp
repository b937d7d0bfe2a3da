#include "passes/rows/RowOps.h"
#include "passes/memory/Layout.h"
#include "passes/rows/Chunks.h"
#include "passes/rows/VectorMath.h"
#include "runtime/abi/Abi.h"
#include "runtime/abi/Philox.h"

using namespace mlir;

namespace drawloom::rows {

//===-- what the ops are --------------------------------------------------------------------------------------------===//

bool isElementwise(Operation *op) { return isa<AddOp, GeluOp, GeluGradOp, DropoutOp, FillOp, AdamOp, EmaOp>(op); }

bool isRowOp(Operation *op) {
  return isElementwise(op) || isa<BiasAddOp, LayerNormOp, LayerNormGradOp, CrossEntropyOp, CrossEntropyGradOp, ColumnSumOp,
                                  EmbedOp>(op);
}

RankedTensorType mainType(Operation *op) {
  Value value = TypeSwitch<Operation *, Value>(op)
                    .Case<LayerNormOp>([](auto o) { return o.getX(); })
                    .Case<LayerNormGradOp>([](auto o) { return o.getX(); })
                    .Case<CrossEntropyOp, CrossEntropyGradOp>([](auto o) { return o.getLogits(); })
                    .Case<ColumnSumOp>([](auto o) { return o.getX(); })
                    .Default([](Operation *o) { return o->getResult(0); });
  return cast<RankedTensorType>(value.getType());
}

int64_t flopsPerElement(Operation *op) {
  return TypeSwitch<Operation *, int64_t>(op)
      .Case<AddOp, BiasAddOp, ColumnSumOp, DropoutOp>([](auto) { return 1; })
      .Case<GeluOp>([](auto) { return 4; })
      .Case<GeluGradOp>([](auto) { return 8; })
      .Case<LayerNormOp>([](auto) { return 8; })
      .Case<LayerNormGradOp>([](auto) { return 14; })
      .Case<CrossEntropyOp, CrossEntropyGradOp>([](auto) { return 4; })
      .Case<EmbedOp>([](EmbedOp o) { return int64_t(o.getPositions().size()); })
      .Case<AdamOp>([](auto) { return 14; })
      .Case<EmaOp>([](auto) { return 3; })
      .Default([](Operation *) { return 0; });
}

//===-- values --------------------------------------------------------------------------------------------------------===//

Value RowOps::argument(Value value) {
  auto position = llvm::find(arguments, cast<BlockArgument>(value).getArgNumber());
  return kernel.memref(position - arguments.begin());
}

Access RowOps::rowAccess(Value memref) {
  if (space.isFlat()) return {flat(memref), Access::Kind::Flat};
  Value &rows = rowMemrefs[memref];
  if (!rows) rows = asRows(kernel, memref);
  return {rows, Access::Kind::OwnRow};
}

Value RowOps::flat(Value memref) {
  Value &result = flatMemrefs[memref];
  if (!result) result = asFlat(kernel, memref);
  return result;
}

Node *RowOps::columns(Value value) {
  Node *&node = nodes[value];
  if (!node) {
    int64_t width = space.isFlat() ? kFlatChunk : rowLength(cast<RankedTensorType>(value.getType()));
    node = program.load(rowAccess(argument(value)), width);
  }
  return node;
}

Node *RowOps::scalar(Value value) {
  Node *&node = nodes[value];
  if (!node) node = program.loadScalar(flat(argument(value)));
  return node;
}

Node *RowOps::shared(Value vector) {
  Value memref = flat(argument(vector));
  return program.load({memref, Access::Kind::Shared}, cast<MemRefType>(memref.getType()).getDimSize(0));
}

Value RowOps::f32(double value) { return vecmath::constant(kernel.b, kernel.loc, kernel.b.getF32Type(), value); }

/// One element of a small tensor, read once a kernel.
Value RowOps::loadConstant(Value tensor, int64_t index) {
  return memref::LoadOp::create(kernel.b, kernel.loc, argument(tensor), ValueRange{kernel.index(index)});
}

Node *RowOps::elements(Value value, ArrayRef<Node *> args, VectorFn fn) {
  int64_t width = space.isFlat() ? kFlatChunk : rowLength(cast<RankedTensorType>(value.getType()));
  return nodes[value] = program.map(args, width, std::move(fn));
}

//===-- vector arithmetic -----------------------------------------------------------------------------------------------===//

namespace {
/// Short names for the ops of one expression.
struct Math {
  OpBuilder &b;
  Location loc;
  Value add(Value x, Value y) { return arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, loc, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, loc, x, y); }
  Value fma(Value x, Value y, Value z) { return math::FmaOp::create(b, loc, x, y, z); }
  Value select(Value c, Value x, Value y) { return arith::SelectOp::create(b, loc, c, x, y); }
  Value constant(Value like, double value) { return vecmath::constant(b, loc, like.getType(), value); }
  Value splat(Value like, Value scalar) {
    auto shape = cast<VectorType>(like.getType()).getShape();
    return vector::BroadcastOp::create(b, loc, VectorType::get(shape, scalar.getType()), scalar);
  }
};
} // namespace

static Value gelu(Math m, Value x) {
  return m.mul(x, vecmath::sigmoid(m.b, m.loc, m.mul(x, m.constant(x, 1.702))));
}

/// dout (s + 1.702 x s (1 - s)) with s = sigmoid(1.702 x).
static Value geluGrad(Math m, Value dout, Value x) {
  Value scaled = m.mul(x, m.constant(x, 1.702));
  Value s = vecmath::sigmoid(m.b, m.loc, scaled);
  Value slope = m.mul(m.mul(scaled, s), m.sub(m.constant(x, 1.0), s));
  return m.mul(dout, m.add(s, slope));
}

//===-- ops -------------------------------------------------------------------------------------------------------------===//

void RowOps::addDropout(DropoutOp op, Value site) {
  PhiloxKey key{loadConstant(op.getRng(), 0), loadConstant(op.getRng(), 1), site};
  double rate = op.getRate().convertToDouble();
  uint32_t threshold = abi::dropoutThreshold(rate);
  int64_t width = columns(op.getX())->width;
  bool aligned = width % 4 == 0; // so is each row's first element then, and each vector's
  auto fn = [=](const TileContext &at, ArrayRef<Tile> args) {
    Math m{at.b, at.loc};
    Value rowStart = arith::MulIOp::create(at.b, at.loc, at.row, arith::ConstantIndexOp::create(at.b, at.loc, width));
    Value element = arith::AddIOp::create(at.b, at.loc, rowStart, at.column);
    Tile words = philoxWords(at, key, element, aligned), result;
    for (auto [word, x] : llvm::zip_equal(words, args[0])) {
      Value bound = vecmath::constantInt(at.b, at.loc, word.getType(), int32_t(threshold));
      Value keep = arith::CmpIOp::create(at.b, at.loc, arith::CmpIPredicate::uge, word, bound);
      result.push_back(m.select(keep, m.mul(x, m.constant(x, 1.0 / (1.0 - rate))), m.constant(x, 0.0)));
    }
    return result;
  };
  nodes[op.getOut()] = program.mapTile({columns(op.getX())}, width, fn, /*wide=*/aligned);
}

void RowOps::addLayerNorm(LayerNormOp op) {
  Node *x = columns(op.getX()), *gamma = shared(op.getGamma()), *beta = shared(op.getBeta());
  int64_t width = x->width;
  auto divide = [width](OpBuilder &b, Location loc, Value sum) -> Value {
    return arith::DivFOp::create(b, loc, sum, vecmath::constant(b, loc, sum.getType(), double(width)));
  };
  Node *mean = program.mapScalar({program.reduce(x, Reduction::Sum)}, [=](OpBuilder &b, Location loc, Value, ArrayRef<Value> a) {
    return divide(b, loc, a[0]);
  });
  Node *squares = program.map({x, mean}, width, [](OpBuilder &b, Location loc, ArrayRef<Value> a) {
    Math m{b, loc};
    Value centered = m.sub(a[0], a[1]);
    return m.mul(centered, centered);
  });
  double epsilon = op.getEpsilon().convertToDouble();
  auto toRstd = [=](OpBuilder &b, Location loc, Value, ArrayRef<Value> a) -> Value {
    Math m{b, loc};
    Value variance = divide(b, loc, a[0]);
    Value deviation = math::SqrtOp::create(b, loc, m.add(variance, m.constant(variance, epsilon)));
    return m.div(m.constant(variance, 1.0), deviation);
  };
  Node *rstd = program.mapScalar({program.reduce(squares, Reduction::Sum)}, toRstd);
  elements(op.getOut(), {x, mean, rstd, gamma, beta}, [](OpBuilder &b, Location loc, ArrayRef<Value> a) {
    Math m{b, loc};
    return m.fma(m.mul(m.sub(a[0], a[1]), a[2]), a[3], a[4]);
  });
  nodes[op.getMean()] = mean;
  nodes[op.getRstd()] = rstd;
  scalarValues.insert(op.getMean());
  scalarValues.insert(op.getRstd());
}

/// With g = dout gamma and y = (x - mean) rstd: dx = rstd (g - (Σ g + y Σ g y) / d), dgamma = Σ dout y, dbeta = Σ dout.
void RowOps::addLayerNormGrad(LayerNormGradOp op) {
  Node *dout = columns(op.getDout()), *x = columns(op.getX()), *gamma = shared(op.getGamma());
  Node *mean = scalar(op.getMean()), *rstd = scalar(op.getRstd());
  int64_t width = x->width;
  Node *g = program.map({dout, gamma}, width, [](OpBuilder &b, Location loc, ArrayRef<Value> a) { return Math{b, loc}.mul(a[0], a[1]); });
  Node *y = program.map({x, mean, rstd}, width, [](OpBuilder &b, Location loc, ArrayRef<Value> a) {
    Math m{b, loc};
    return m.mul(m.sub(a[0], a[1]), a[2]);
  });
  auto product = [](OpBuilder &b, Location loc, ArrayRef<Value> a) { return Math{b, loc}.mul(a[0], a[1]); };
  Node *sumG = program.reduce(g, Reduction::Sum), *sumGY = program.reduce(program.map({g, y}, width, product), Reduction::Sum);
  // From the inputs again, so that g and y need no memory.
  elements(op.getDx(), {dout, gamma, x, mean, rstd, sumG, sumGY}, [width](OpBuilder &b, Location loc, ArrayRef<Value> a) {
    Math m{b, loc};
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
    node = program.map({logits, maximum}, logits->width, [](OpBuilder &b, Location loc, ArrayRef<Value> a) {
      return vecmath::exp(b, loc, Math{b, loc}.sub(a[0], a[1]));
    });
  return node;
}

/// For each column: is it the row's target?
static Value isTarget(const TileContext &at, int64_t vector, Value target) {
  SmallVector<int32_t> numbers(at.lanes);
  std::iota(numbers.begin(), numbers.end(), int32_t(vector * at.lanes));
  auto type = at.vectorOf(at.b.getI32Type());
  Value lanes = arith::ConstantOp::create(at.b, at.loc, type, DenseElementsAttr::get(type, ArrayRef<int32_t>(numbers)));
  Value column = arith::IndexCastOp::create(at.b, at.loc, at.b.getI32Type(), at.column);
  Value columns = arith::AddIOp::create(at.b, at.loc, vector::BroadcastOp::create(at.b, at.loc, type, column), lanes);
  if (cast<VectorType>(target.getType()).getElementType().isInteger(64)) target = arith::TruncIOp::create(at.b, at.loc, type, target);
  return arith::CmpIOp::create(at.b, at.loc, arith::CmpIPredicate::eq, columns, target);
}

void RowOps::addCrossEntropy(CrossEntropyOp op) {
  Node *logits = columns(op.getLogits()), *target = scalar(op.getTargets());
  Node *maximum = program.reduce(logits, Reduction::Max);
  Node *sum = program.reduce(exponentials(logits, maximum), Reduction::Sum);
  auto pick = [](const TileContext &at, ArrayRef<Tile> args) {
    Math m{at.b, at.loc};
    Tile result;
    for (int64_t v = 0; v < at.vectors; ++v)
      result.push_back(m.select(isTarget(at, v, args[1][v]), args[0][v], m.constant(args[0][v], 0.0)));
    return result;
  };
  Node *picked = program.reduce(program.mapTile({logits, target}, logits->width, pick), Reduction::Sum);
  nodes[op.getNll()] = program.mapScalar({maximum, sum, picked}, [](OpBuilder &b, Location loc, Value, ArrayRef<Value> a) -> Value {
    Math m{b, loc};
    return m.add(m.sub(a[0], a[2]), vecmath::log(b, loc, a[1]));
  });
  scalarValues.insert(op.getNll());
}

void RowOps::addCrossEntropyGrad(CrossEntropyGradOp op) {
  Node *logits = columns(op.getLogits()), *target = scalar(op.getTargets()), *dnll = scalar(op.getDnll());
  Node *maximum = program.reduce(logits, Reduction::Max);
  Node *exponential = exponentials(logits, maximum);
  Node *sum = program.reduce(exponential, Reduction::Sum);
  Node *scale = program.mapScalar({dnll, sum}, [](OpBuilder &b, Location loc, Value, ArrayRef<Value> a) { return Math{b, loc}.div(a[0], a[1]); });
  auto fn = [](const TileContext &at, ArrayRef<Tile> args) {
    Math m{at.b, at.loc};
    Tile result;
    for (int64_t v = 0; v < at.vectors; ++v) {
      Value share = m.mul(args[0][v], args[1][v]);
      result.push_back(m.select(isTarget(at, v, args[2][v]), m.sub(share, args[3][v]), share));
    }
    return result;
  };
  nodes[op.getDlogits()] = program.mapTile({exponential, scale, target, dnll}, logits->width, fn);
}

/// The row of a table, kept within the table whatever the tokens are.
static Value clampIndex(OpBuilder &b, Location loc, Value index, int64_t rows) {
  Value zero = arith::ConstantIndexOp::create(b, loc, 0), last = arith::ConstantIndexOp::create(b, loc, rows - 1);
  return arith::MinSIOp::create(b, loc, arith::MaxSIOp::create(b, loc, index, zero), last);
}

void RowOps::addEmbed(EmbedOp op) {
  auto out = cast<RankedTensorType>(op.getOut().getType());
  int64_t width = rowLength(out), positions = rowLength(cast<RankedTensorType>(op.getTokens().getType()));
  auto tableRows = [](Value table) { return cast<RankedTensorType>(table.getType()).getDimSize(0); };
  auto lookUp = [&](Value table, Node *index) {
    return program.load({asRows(kernel, argument(table)), Access::Kind::Indexed, index}, width);
  };
  int64_t tokenRows = tableRows(op.getTable());
  Node *token = program.mapScalar({scalar(op.getTokens())}, [=](OpBuilder &b, Location loc, Value, ArrayRef<Value> a) {
    return clampIndex(b, loc, arith::IndexCastOp::create(b, loc, b.getIndexType(), a[0]), tokenRows);
  });
  SmallVector<Node *> parts = {lookUp(op.getTable(), token)};
  Value offset;
  if (op.getOffset())
    offset = arith::IndexCastOp::create(kernel.b, kernel.loc, kernel.b.getIndexType(), loadConstant(op.getOffset(), 0));
  for (auto [table, divisor] : llvm::zip_equal(op.getPositions(), op.getDivisors())) {
    int64_t rows = tableRows(table);
    auto toIndex = [=](OpBuilder &b, Location loc, Value row, ArrayRef<Value>) -> Value {
      auto constant = [&](int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); };
      Value i = arith::RemUIOp::create(b, loc, row, constant(positions));
      if (offset) i = arith::AddIOp::create(b, loc, i, offset);
      return arith::RemUIOp::create(b, loc, arith::DivUIOp::create(b, loc, i, constant(divisor)), constant(rows));
    };
    parts.push_back(lookUp(table, program.mapScalar({}, toIndex)));
  }
  elements(op.getOut(), parts, [](OpBuilder &b, Location loc, ArrayRef<Value> a) {
    Value sum = a[0];
    for (Value part : a.drop_front()) sum = arith::AddFOp::create(b, loc, sum, part);
    return sum;
  });
}

/// True if the norm is finite: only then does an update change anything.
static Value isFinite(OpBuilder &b, Location loc, Value norm) {
  Value infinity = vecmath::constant(b, loc, norm.getType(), std::numeric_limits<double>::infinity());
  return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, norm, infinity);
}

void RowOps::addAdam(AdamOp op) {
  Math k{kernel.b, kernel.loc};
  auto hyper = [&](abi::Hyper index) { return loadConstant(op.getHyper(), index); };
  Value norm = loadConstant(op.getNorm(), 0), finite = isFinite(k.b, k.loc, norm), one = f32(1.0), zero = f32(0.0);
  Value clip = hyper(abi::kClipNorm);
  Value clipped = vecmath::min(k.b, k.loc, k.div(clip, norm), one);
  Value clips = arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OGT, clip, zero);
  Value scale = k.select(clips, clipped, one);
  Value b1 = hyper(abi::kBeta1), b2 = hyper(abi::kBeta2), rate = hyper(abi::kLearningRate), epsilon = hyper(abi::kEpsilon);
  Value rest1 = k.sub(one, b1), rest2 = k.sub(one, b2);
  Value correction1 = hyper(abi::kBiasCorrection1), correction2 = hyper(abi::kBiasCorrection2);
  Value decay = hyper(abi::kWeightDecay);
  bool decays = op.getDecay();

  Node *param = columns(op.getParam()), *grad = columns(op.getGrad()), *m = columns(op.getM()), *v = columns(op.getV());
  int64_t width = param->width;
  Node *scaled = program.map({grad}, width, [=](OpBuilder &b, Location loc, ArrayRef<Value> a) {
    Math e{b, loc};
    return e.mul(a[0], e.splat(a[0], scale));
  });
  Node *mean = program.map({m, scaled}, width, [=](OpBuilder &b, Location loc, ArrayRef<Value> a) {
    Math e{b, loc};
    return e.fma(a[0], e.splat(a[0], b1), e.mul(a[1], e.splat(a[1], rest1)));
  });
  Node *square = program.map({v, scaled}, width, [=](OpBuilder &b, Location loc, ArrayRef<Value> a) {
    Math e{b, loc};
    return e.fma(a[0], e.splat(a[0], b2), e.mul(e.mul(a[1], a[1]), e.splat(a[1], rest2)));
  });
  auto keepIfFinite = [=](OpBuilder &b, Location loc, Value changed, Value old) {
    Math e{b, loc};
    return e.select(e.splat(old, finite), changed, old);
  };
  elements(op.getNewParam(), {param, mean, square}, [=](OpBuilder &b, Location loc, ArrayRef<Value> a) {
    Math e{b, loc};
    Value p = a[0];
    Value root = math::SqrtOp::create(b, loc, e.div(a[2], e.splat(p, correction2)));
    Value step = e.div(e.div(a[1], e.splat(p, correction1)), e.add(root, e.splat(p, epsilon)));
    if (decays) step = e.fma(e.splat(p, decay), p, step);
    return keepIfFinite(b, loc, e.sub(p, e.mul(e.splat(p, rate), step)), p);
  });
  auto keep = [=](OpBuilder &b, Location loc, ArrayRef<Value> a) { return keepIfFinite(b, loc, a[0], a[1]); };
  elements(op.getNewM(), {mean, m}, keep);
  elements(op.getNewV(), {square, v}, keep);
  elements(op.getNewGrad(), {grad}, [=](OpBuilder &b, Location loc, ArrayRef<Value> a) {
    return keepIfFinite(b, loc, Math{b, loc}.constant(a[0], 0.0), a[0]);
  });
}

void RowOps::addEma(EmaOp op) {
  Math k{kernel.b, kernel.loc};
  Value finite = isFinite(k.b, k.loc, loadConstant(op.getNorm(), 0));
  Value decay = loadConstant(op.getHyper(), abi::kEmaDecay), rest = k.sub(f32(1.0), decay);
  elements(op.getNewEma(), {columns(op.getEma()), columns(op.getParam())}, [=](OpBuilder &b, Location loc, ArrayRef<Value> a) {
    Math e{b, loc};
    Value next = e.fma(a[0], e.splat(a[0], decay), e.mul(a[1], e.splat(a[1], rest)));
    return e.select(e.splat(a[0], finite), next, a[0]);
  });
}

LogicalResult RowOps::add(Operation *op, Value site) {
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case<AddOp>([&](AddOp o) {
        elements(o.getOut(), {columns(o.getA()), columns(o.getB())},
                 [](OpBuilder &b, Location loc, ArrayRef<Value> a) { return Math{b, loc}.add(a[0], a[1]); });
        return success();
      })
      .Case<BiasAddOp>([&](BiasAddOp o) {
        elements(o.getOut(), {columns(o.getX()), shared(o.getBias())},
                 [](OpBuilder &b, Location loc, ArrayRef<Value> a) { return Math{b, loc}.add(a[0], a[1]); });
        return success();
      })
      .Case<GeluOp>([&](GeluOp o) {
        elements(o.getOut(), {columns(o.getX())}, [](OpBuilder &b, Location loc, ArrayRef<Value> a) { return gelu({b, loc}, a[0]); });
        return success();
      })
      .Case<GeluGradOp>([&](GeluGradOp o) {
        elements(o.getDx(), {columns(o.getDout()), columns(o.getX())},
                 [](OpBuilder &b, Location loc, ArrayRef<Value> a) { return geluGrad({b, loc}, a[0], a[1]); });
        return success();
      })
      .Case<FillOp>([&](FillOp o) {
        double value = o.getValue().convertToDouble();
        auto fn = [value](const TileContext &at, ArrayRef<Tile>) {
          return Tile(at.vectors, vecmath::constant(at.b, at.loc, at.vectorOf(at.b.getF32Type()), value));
        };
        int64_t width = space.isFlat() ? kFlatChunk : rowLength(cast<RankedTensorType>(o.getOut().getType()));
        nodes[o.getOut()] = program.mapTile({}, width, fn);
        return success();
      })
      .Case<DropoutOp>([&](DropoutOp o) { return addDropout(o, site), success(); })
      .Case<LayerNormOp>([&](LayerNormOp o) { return addLayerNorm(o), success(); })
      .Case<LayerNormGradOp>([&](LayerNormGradOp o) { return addLayerNormGrad(o), success(); })
      .Case<CrossEntropyOp>([&](CrossEntropyOp o) { return addCrossEntropy(o), success(); })
      .Case<CrossEntropyGradOp>([&](CrossEntropyGradOp o) { return addCrossEntropyGrad(o), success(); })
      .Case<ColumnSumOp>([&](ColumnSumOp o) {
        columnSums[o.getOut()] = columns(o.getX());
        return success();
      })
      .Case<EmbedOp>([&](EmbedOp o) { return addEmbed(o), success(); })
      .Case<AdamOp>([&](AdamOp o) { return addAdam(o), success(); })
      .Case<EmaOp>([&](EmaOp o) { return addEma(o), success(); })
      .Default([](Operation *o) { return o->emitOpError("is not a row operation"); });
}

} // namespace drawloom::rows
