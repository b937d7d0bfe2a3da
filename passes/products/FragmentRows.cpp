#include "passes/products/FragmentRows.h"
#include "passes/memory/Layout.h"

using namespace mlir;

namespace drawloom::products {
namespace {

constexpr int64_t kLanes = 2; ///< of a pair

rows::RowSpace spaceOf(MatmulOp product) {
  return {.rows = rowCount(cast<RankedTensorType>(product.getOut().getType()))};
}

} // namespace

FragmentRows::FragmentRows(rows::KernelBuilder &kernel, MatmulOp product, ArrayRef<unsigned> arguments,
                           ValueRange memrefs)
    : columns(rowLength(cast<RankedTensorType>(product.getOut().getType()))),
      ops(kernel, program, spaceOf(product), rows::Machine::Gpu, arguments, memrefs) {
  Type element = getElementTypeOrSelf(product.getOut());
  auto give = [this, element](const rows::TileContext &at, ArrayRef<rows::Tile>) {
    return rows::Tile{at.math().rounded(current.product, element)};
  };
  ops.give(product.getOut(), program.mapTile({}, columns, give));
}

void FragmentRows::setInput(Value argument) {
  auto give = [this](const rows::TileContext &at, ArrayRef<rows::Tile>) {
    return rows::Tile{at.math().widened(current.input)};
  };
  ops.give(argument, program.mapTile({}, columns, give));
}

LogicalResult FragmentRows::add(Operation *op) { return ops.add(op, /*site=*/Value()); }

rows::Node *FragmentRows::node(Value value) {
  if (rows::Node *sum = ops.columnSum(value)) return sum;
  return ops.columns(value);
}

/// An element of a vector that all rows share. Columns that do not exist read the last ones.
Value FragmentRows::loadShared(const GpuBuilder &g, const rows::Node &node, const Pair &pair) {
  Value memref = node.access.memref;
  int64_t bytes = cast<MemRefType>(memref.getType()).getElementTypeBitWidth() / 8;
  Value last = arith::ConstantIndexOp::create(g.b, g.loc, columns - kLanes);
  Value column = arith::MinUIOp::create(g.b, g.loc, pair.column, last);
  return rows::Math{g.b, g.loc, rows::Machine::Gpu}.widened(g.load(memref, column, kLanes, kLanes * bytes));
}

Value FragmentRows::evaluate(const GpuBuilder &g, rows::Node *node, const Pair &pair, Known &known) {
  if (Value value = known.lookup(node)) return value;
  Value value;
  if (node->kind == rows::Node::Kind::Load) {
    value = loadShared(g, *node, pair);
  } else {
    SmallVector<rows::Tile, 4> arguments;
    for (rows::Node *argument : node->args) arguments.push_back({evaluate(g, argument, pair, known)});
    current = pair;
    rows::TileContext at{g.b, g.loc, pair.row, pair.column, /*vectors=*/1, kLanes, rows::Machine::Gpu};
    value = node->tile(at, arguments).front();
  }
  return known[node] = value;
}

} // namespace drawloom::products
