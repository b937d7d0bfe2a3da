#include "passes/rows/RowOps.h"
#include "passes/memory/Layout.h"
#include "passes/rows/Chunks.h"
#include "passes/rows/RowMath.h"
#include "runtime/abi/Philox.h"

using namespace mlir;

namespace drawloom::rows {

//===-- what the ops are --------------------------------------------------------------------------===//

bool isElementwise(Operation *op) {
  return isa<AddOp, GeluOp, GeluGradOp, DropoutOp, FillOp, AdamOp, EmaOp>(op);
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
      .Default([](Operation *) { return 0; });
}

//===-- values ------------------------------------------------------------------------------------===//

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

Value RowOps::f32(double value) {
  return vecmath::constant(kernel.b, kernel.loc, kernel.b.getF32Type(), value);
}

/// One element of a small tensor, read once a kernel.
Value RowOps::loadConstant(Value tensor, int64_t index) {
  return memref::LoadOp::create(kernel.b, kernel.loc, argument(tensor), ValueRange{kernel.index(index)});
}

Node *RowOps::elements(Value value, ArrayRef<Node *> args, VectorFn fn) {
  int64_t width = space.isFlat() ? kFlatChunk : rowLength(cast<RankedTensorType>(value.getType()));
  return nodes[value] = program.map(args, width, std::move(fn));
}

//===-- vector arithmetic -------------------------------------------------------------------------===//

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

//===-- ops ---------------------------------------------------------------------------------------===//

void RowOps::addDropout(DropoutOp op, Value site) {
  PhiloxKey key{loadConstant(op.getRng(), 0), loadConstant(op.getRng(), 1), site};
  double rate = op.getRate().convertToDouble();
  uint32_t threshold = abi::dropoutThreshold(rate);
  int64_t width = columns(op.getX())->width;
  bool aligned = width % 4 == 0; // so is each row's first element then, and each vector's
  auto fn = [=](const TileContext &at, ArrayRef<Tile> args) {
    Math m{at.b, at.loc};
    Value rowStart =
        arith::MulIOp::create(at.b, at.loc, at.row, arith::ConstantIndexOp::create(at.b, at.loc, width));
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

/// The row of a table, kept within the table whatever the tokens are.
static Value clampIndex(OpBuilder &b, Location loc, Value index, int64_t rows) {
  Value zero = arith::ConstantIndexOp::create(b, loc, 0),
        last = arith::ConstantIndexOp::create(b, loc, rows - 1);
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
  Node *token =
      program.mapScalar({scalar(op.getTokens())}, [=](OpBuilder &b, Location loc, Value, ArrayRef<Value> a) {
        return clampIndex(b, loc, arith::IndexCastOp::create(b, loc, b.getIndexType(), a[0]), tokenRows);
      });
  SmallVector<Node *> parts = {lookUp(op.getTable(), token)};
  Value offset;
  if (op.getOffset())
    offset = arith::IndexCastOp::create(kernel.b, kernel.loc, kernel.b.getIndexType(),
                                        loadConstant(op.getOffset(), 0));
  for (auto [table, divisor] : llvm::zip_equal(op.getPositions(), op.getDivisors())) {
    int64_t rows = tableRows(table);
    auto toIndex = [=](OpBuilder &b, Location loc, Value row, ArrayRef<Value>) -> Value {
      auto constant = [&](int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); };
      Value i = arith::RemUIOp::create(b, loc, row, constant(positions));
      if (offset) i = arith::AddIOp::create(b, loc, i, offset);
      return arith::RemUIOp::create(b, loc, arith::DivUIOp::create(b, loc, i, constant(divisor)),
                                    constant(rows));
    };
    parts.push_back(lookUp(table, program.mapScalar({}, toIndex)));
  }
  elements(op.getOut(), parts, [](OpBuilder &b, Location loc, ArrayRef<Value> a) {
    Value sum = a[0];
    for (Value part : a.drop_front()) sum = arith::AddFOp::create(b, loc, sum, part);
    return sum;
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
        elements(o.getOut(), {columns(o.getX())},
                 [](OpBuilder &b, Location loc, ArrayRef<Value> a) { return gelu({b, loc}, a[0]); });
        return success();
      })
      .Case<GeluGradOp>([&](GeluGradOp o) {
        elements(
            o.getDx(), {columns(o.getDout()), columns(o.getX())},
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
