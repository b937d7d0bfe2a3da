// The reverse sweep.
#include "dialect/ir/ReverseMode.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using namespace drawloom;

namespace {

bool isFloatTensor(Value v) {
  auto tensor = dyn_cast<RankedTensorType>(v.getType());
  return tensor && isa<FloatType>(tensor.getElementType());
}

/// The values that depend on a wanted one: gradients of others are of no use.
llvm::DenseSet<Value> findVaried(ArrayRef<Operation *> ops, ValueRange wanted) {
  llvm::DenseSet<Value> varied(wanted.begin(), wanted.end());
  for (Operation *op : ops) {
    if (llvm::none_of(op->getOperands(), [&](Value v) { return varied.contains(v); })) continue;
    for (Value result : op->getResults())
      if (isFloatTensor(result)) varied.insert(result);
  }
  return varied;
}

/// What is inserted between construction and now, in order.
class InsertedOps {
public:
  explicit InsertedOps(OpBuilder &builder)
      : block(builder.getInsertionBlock()), end(builder.getInsertionPoint()) {
    before = end == block->begin() ? nullptr : &*std::prev(end);
  }
  SmallVector<Operation *> list() const {
    SmallVector<Operation *> ops;
    for (auto it = before ? std::next(before->getIterator()) : block->begin(); it != end; ++it)
      ops.push_back(&*it);
    return ops;
  }

private:
  Block *block;
  Block::iterator end;
  Operation *before;
};

void labelAsGradient(Operation *forward, ArrayRef<Operation *> gradients) {
  auto label = forward->getAttrOfType<StringAttr>(kLabelAttr);
  Attribute segment = forward->getAttr(kSegmentAttr);
  for (Operation *op : gradients) {
    if (label && !op->hasAttr(kLabelAttr))
      op->setAttr(kLabelAttr, StringAttr::get(op->getContext(), label.getValue() + ".grad"));
    if (segment && !op->hasAttr(kSegmentAttr)) op->setAttr(kSegmentAttr, segment);
  }
}

/// Adds the gradients of one op's operands.
LogicalResult differentiateOp(OpBuilder &builder, Operation *op, const llvm::DenseSet<Value> &varied,
                              Cotangents &cotangents) {
  SmallVector<Value> resultGrads;
  for (Value result : op->getResults()) resultGrads.push_back(cotangents.lookup(result));
  if (llvm::none_of(resultGrads, [](Value g) { return bool(g); })) return success();
  if (llvm::none_of(op->getOperands(), [&](Value v) { return varied.contains(v); })) return success();
  auto differentiable = dyn_cast<Differentiable>(op);
  if (!differentiable)
    return op->emitOpError() << "DIFF1: has no gradient rule, and the objective depends on it";

  InsertedOps inserted(builder);
  if (!isa<CastOp>(op))
    for (auto [grad, result] : llvm::zip_equal(resultGrads, op->getResults()))
      if (grad && isFloatTensor(result))
        grad = withElementType(builder, op->getLoc(), grad, getElementTypeOrSelf(result));
  SmallVector<Value> operandGrads = differentiable.buildGradient(builder, resultGrads);
  if (operandGrads.size() != op->getNumOperands()) return failure(); // reported by the op
  for (auto [operand, grad] : llvm::zip(op->getOperands(), operandGrads))
    if (grad && varied.contains(operand)) accumulate(builder, op->getLoc(), cotangents, operand, grad);
  labelAsGradient(op, inserted.list());
  return success();
}

} // namespace

Value drawloom::withElementType(OpBuilder &builder, Location loc, Value value, Type element) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getElementType() == element) return value;
  return CastOp::create(builder, loc, type.clone(element), value);
}

void drawloom::accumulate(OpBuilder &builder, Location loc, Cotangents &cotangents, Value value, Value grad) {
  Value &sum = cotangents[value];
  if (!sum) {
    sum = grad;
    return;
  }
  Type a = getElementTypeOrSelf(sum), b = getElementTypeOrSelf(grad);
  Type wider = a.getIntOrFloatBitWidth() < b.getIntOrFloatBitWidth() ? b : a;
  sum = AddOp::create(builder, loc, withElementType(builder, loc, sum, wider),
                      withElementType(builder, loc, grad, wider));
}

LogicalResult drawloom::differentiateOps(OpBuilder &builder, ArrayRef<Operation *> ops, ValueRange wanted,
                                         Cotangents &cotangents) {
  llvm::DenseSet<Value> varied = findVaried(ops, wanted);
  InsertedOps inserted(builder);
  for (Operation *op : llvm::reverse(ops))
    if (failed(differentiateOp(builder, op, varied, cotangents))) return failure();

  // Ops built for operands that nobody wants have no users; the wanted gradients get theirs only from the
  // caller.
  llvm::DenseSet<Value> results;
  for (Value v : wanted)
    if (Value grad = cotangents.lookup(v)) results.insert(grad);
  SmallVector<Operation *> built = inserted.list();
  for (Operation *op : llvm::reverse(built)) {
    bool used =
        llvm::any_of(op->getResults(), [&](Value r) { return !r.use_empty() || results.contains(r); });
    if (used) continue;
    for (auto it = cotangents.begin(); it != cotangents.end(); ++it)
      if (it->second && it->second.getDefiningOp() == op) it->second = Value();
    op->erase();
  }
  return success();
}

void drawloom::eraseDeadOps(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isOpTriviallyDead(&op)) op.erase();
}
