#include "passes/rows/RowProgram.h"
#include <climits>

using namespace mlir;

namespace drawloom::rows {

Node *RowProgram::make(Node::Kind kind, ArrayRef<Node *> args, int64_t width) {
  auto node = std::make_unique<Node>();
  node->kind = kind;
  node->width = width;
  node->args.assign(args.begin(), args.end());
  for (Node *arg : args) node->level = std::max(node->level, arg->level);
  return nodes.emplace_back(std::move(node)).get();
}

Node *RowProgram::load(Access access, int64_t width) {
  for (auto &node : nodes)
    if (node->kind == Node::Kind::Load && node->access.memref == access.memref &&
        node->access.kind == access.kind && node->access.rowIndex == access.rowIndex)
      return node.get();
  Node *node =
      access.rowIndex ? make(Node::Kind::Load, access.rowIndex, width) : make(Node::Kind::Load, {}, width);
  node->access = access;
  return node;
}

Node *RowProgram::loadScalar(Value memref) {
  for (auto &node : nodes)
    if (node->kind == Node::Kind::ScalarLoad && node->access.memref == memref) return node.get();
  Node *node = make(Node::Kind::ScalarLoad, {}, 0);
  node->access = {memref, Access::Kind::Scalar};
  return node;
}

Node *RowProgram::mapTile(ArrayRef<Node *> args, int64_t width, TileFn fn, bool wide) {
  Node *node = make(Node::Kind::Map, args, width);
  node->tile = std::move(fn);
  node->wide = wide;
  return node;
}

Node *RowProgram::map(ArrayRef<Node *> args, int64_t width, VectorFn fn) {
  return mapTile(args, width, [fn = std::move(fn)](const TileContext &at, ArrayRef<Tile> tiles) {
    Tile result;
    for (int64_t v = 0; v < at.vectors; ++v) {
      SmallVector<Value, 4> vectors;
      for (const Tile &tile : tiles) vectors.push_back(tile[v]);
      result.push_back(fn(at.math(), vectors));
    }
    return result;
  });
}

Node *RowProgram::mapScalar(ArrayRef<Node *> args, ScalarFn fn) {
  Node *node = make(Node::Kind::ScalarMap, args, 0);
  node->scalar = std::move(fn);
  return node;
}

Node *RowProgram::reduce(Node *columns, Reduction reduction) {
  for (auto &node : nodes)
    if (node->kind == Node::Kind::Reduce && node->args[0] == columns && node->reduction == reduction)
      return node.get();
  Node *node = make(Node::Kind::Reduce, columns, 0);
  node->level = columns->level + 1;
  node->reduction = reduction;
  return node;
}

SmallVector<Node *> RowProgram::liveNodes() const {
  llvm::DenseSet<Node *> live;
  std::function<void(Node *)> visit = [&](Node *node) {
    if (!live.insert(node).second) return;
    for (Node *arg : node->args) visit(arg);
  };
  for (const Sink &sink : sinks) visit(sink.node);
  SmallVector<Node *> result;
  for (auto &node : nodes)
    if (live.contains(node.get())) result.push_back(node.get());
  return result;
}

int RowProgram::lastRead(function_ref<bool(Value)> isIt) const {
  int last = -1;
  auto readsIt = [&](Node *node) { return node->kind == Node::Kind::Load && isIt(node->access.memref); };
  // A load is emitted in every loop that uses it, so the users' levels count. A Reduce uses its operand a
  // level earlier.
  for (Node *node : liveNodes()) {
    if (node->kind == Node::Kind::ScalarLoad && isIt(node->access.memref)) return INT_MAX;
    if (readsIt(node) && node->access.kind != Access::Kind::OwnRow && node->access.kind != Access::Kind::Flat)
      return INT_MAX;
    for (Node *arg : node->args)
      if (readsIt(arg))
        last = std::max(last, node->kind == Node::Kind::Reduce ? node->level - 1 : node->level);
  }
  for (const Sink &sink : sinks)
    if (readsIt(sink.node)) last = std::max(last, sink.node->level);
  return last;
}

} // namespace drawloom::rows
