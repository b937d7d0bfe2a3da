#include "passes/rows/RowOps.h"
#include "passes/memory/Layout.h"
#include "runtime/abi/Philox.h"

using namespace mlir;

namespace drawloom::rows {

//===-- what the ops are --------------------------------------------------------------------------===//

bool isElementwise(Operation *op) {
  return isa<AddOp, CastOp, GeluOp, GeluGradOp, DropoutOp, FillOp, AdamOp, EmaOp>(op);
}

bool isRowOp(Operation *op) {
  return isElementwise(op) || isa<BiasAddOp, LayerNormOp, LayerNormGradOp, CrossEntropyOp, CrossEntropyGradOp,
                                  ColumnSumOp, EmbedOp>(op);
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
      .Case<AttentionDeltaOp>([](auto) { return 2; })
      .Case<MatmulOp>([](MatmulOp o) {
        auto a = cast<RankedTensorType>(o.getA().getType());
        return 2 * (o.getTransposeA() ? rowCount(a) : rowLength(a));
      })
      .Default([](Operation *) { return 0; });
}

//===-- values ------------------------------------------------------------------------------------===//

Value RowOps::argument(Value value) {
  auto position = llvm::find(arguments, cast<BlockArgument>(value).getArgNumber());
  return memrefs[position - arguments.begin()];
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
  if (!node) node = program.load(rowAccess(argument(value)), widthOf(value));
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

Value RowOps::f32(double value) {
  return vecmath::constant(kernel.b, kernel.loc, kernel.b.getF32Type(), value);
}

/// One element of a small tensor, read once a kernel.
Value RowOps::loadConstant(Value tensor, int64_t index) {
  return memref::LoadOp::create(kernel.b, kernel.loc, argument(tensor), ValueRange{kernel.index(index)});
}

int64_t RowOps::widthOf(Value value) const {
  return space.isFlat() ? space.flatChunk : rowLength(cast<RankedTensorType>(value.getType()));
}

void RowOps::define(Value value, Node *node) {
  Type element = getElementTypeOrSelf(value);
  if (isNarrowFloat(element))
    node = program.map(node, node->width,
                       [element](Math m, ArrayRef<Value> a) { return m.rounded(a[0], element); });
  nodes[value] = node;
}

void RowOps::elements(Value value, ArrayRef<Node *> args, VectorFn fn) {
  define(value, program.map(args, widthOf(value), std::move(fn)));
}

//===-- vector arithmetic -------------------------------------------------------------------------===//

static Value gelu(Math m, Value x) { return m.mul(x, m.sigmoid(m.mul(x, m.constant(x, 1.702)))); }

/// dout (s + 1.702 x s (1 - s)) with s = sigmoid(1.702 x).
static Value geluGrad(Math m, Value dout, Value x) {
  Value scaled = m.mul(x, m.constant(x, 1.702));
  Value s = m.sigmoid(scaled);
  Value slope = m.mul(m.mul(scaled, s), m.sub(m.constant(x, 1.0), s));
  return m.mul(dout, m.add(s, slope));
}

//===-- ops ---------------------------------------------------------------------------------------===//

void RowOps::addDropout(DropoutOp op, Value site) {
  PhiloxKey key{loadConstant(op.getRng(), 0), loadConstant(op.getRng(), 1), site};
  double rate = op.getRate().convertToDouble();
  uint32_t threshold = abi::dropoutThreshold(rate);
  int64_t width = columns(op.getX())->width;
  bool aligned = width % 4 == 0; // so is each row's first element then, and each vector's
  auto fn = [=](const TileContext &at, ArrayRef<Tile> args) {
    Math m = at.math();
    Value rowStart = arith::MulIOp::create(at.b, at.loc, at.row, m.index(width));
    Value element = arith::AddIOp::create(at.b, at.loc, rowStart, at.column);
    bool fits = aligned && (at.machine == Machine::Cpu || at.lanes % 4 == 0);
    Tile words = philoxWords(at, key, element, fits), result;
    for (auto [word, x] : llvm::zip_equal(words, args[0])) {
      Value bound = vecmath::constantInt(at.b, at.loc, word.getType(), int32_t(threshold));
      Value keep = arith::CmpIOp::create(at.b, at.loc, arith::CmpIPredicate::uge, word, bound);
      result.push_back(m.select(keep, m.mul(x, m.constant(x, 1.0 / (1.0 - rate))), m.constant(x, 0.0)));
    }
    return result;
  };
  define(op.getOut(), program.mapTile({columns(op.getX())}, width, fn, /*wide=*/aligned));
}

/// The row of a table, kept within the table whatever the tokens are.
static Value clampIndex(Math m, Value index, int64_t rows) {
  Value positive = arith::MaxSIOp::create(m.b, m.loc, index, m.index(0));
  return arith::MinSIOp::create(m.b, m.loc, positive, m.index(rows - 1));
}

void RowOps::addEmbed(EmbedOp op) {
  auto out = cast<RankedTensorType>(op.getOut().getType());
  int64_t width = rowLength(out), positions = rowLength(cast<RankedTensorType>(op.getTokens().getType()));
  auto tableRows = [](Value table) { return cast<RankedTensorType>(table.getType()).getDimSize(0); };
  auto lookUp = [&](Value table, Node *index) {
    return program.load({asRows(kernel, argument(table)), Access::Kind::Indexed, index}, width);
  };
  int64_t tokenRows = tableRows(op.getTable());
  Node *token = program.mapScalar({scalar(op.getTokens())}, [=](Math m, Value, ArrayRef<Value> a) {
    return clampIndex(m, arith::IndexCastOp::create(m.b, m.loc, m.b.getIndexType(), a[0]), tokenRows);
  });
  SmallVector<Node *> parts = {lookUp(op.getTable(), token)};
  Value offset;
  if (op.getOffset())
    offset = arith::IndexCastOp::create(kernel.b, kernel.loc, kernel.b.getIndexType(),
                                        loadConstant(op.getOffset(), 0));
  for (auto [table, divisor] : llvm::zip_equal(op.getPositions(), op.getDivisors())) {
    int64_t rows = tableRows(table);
    auto toIndex = [=](Math m, Value row, ArrayRef<Value>) -> Value {
      Value i = arith::RemUIOp::create(m.b, m.loc, row, m.index(positions));
      if (offset) i = arith::AddIOp::create(m.b, m.loc, i, offset);
      return arith::RemUIOp::create(m.b, m.loc, arith::DivUIOp::create(m.b, m.loc, i, m.index(divisor)),
                                    m.index(rows));
    };
    parts.push_back(lookUp(table, program.mapScalar({}, toIndex)));
  }
  elements(op.getOut(), parts, [](Math m, ArrayRef<Value> a) {
    Value sum = a[0];
    for (Value part : a.drop_front()) sum = m.add(sum, part);
    return sum;
  });
}

LogicalResult RowOps::add(Operation *op, Value site) {
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case<AddOp>([&](AddOp o) {
        elements(o.getOut(), {columns(o.getA()), columns(o.getB())},
                 [](Math m, ArrayRef<Value> a) { return m.add(a[0], a[1]); });
        return success();
      })
      .Case<CastOp>([&](CastOp o) {
        define(o.getOut(), columns(o.getX()));
        return success();
      })
      .Case<BiasAddOp>([&](BiasAddOp o) {
        elements(o.getOut(), {columns(o.getX()), shared(o.getBias())},
                 [](Math m, ArrayRef<Value> a) { return m.add(a[0], a[1]); });
        return success();
      })
      .Case<GeluOp>([&](GeluOp o) {
        elements(o.getOut(), {columns(o.getX())}, [](Math m, ArrayRef<Value> a) { return gelu(m, a[0]); });
        return success();
      })
      .Case<GeluGradOp>([&](GeluGradOp o) {
        elements(o.getDx(), {columns(o.getDout()), columns(o.getX())},
                 [](Math m, ArrayRef<Value> a) { return geluGrad(m, a[0], a[1]); });
        return success();
      })
      .Case<FillOp>([&](FillOp o) {
        double value = o.getValue().convertToDouble();
        auto fn = [value](const TileContext &at, ArrayRef<Tile>) {
          return Tile(at.vectors, vecmath::constant(at.b, at.loc, at.vectorOf(at.b.getF32Type()), value));
        };
        define(o.getOut(), program.mapTile({}, widthOf(o.getOut()), fn));
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
