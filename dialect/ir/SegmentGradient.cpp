// The gradient of a segment: a `recompute` region that holds the forward ops its gradients need, and the
// gradients.
#include "dialect/ir/ReverseMode.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace drawloom;

namespace {

/// A body that is built before its op, because the op's operands and results are known only when the body is.
struct RecomputeBody {
  Block block;
  SmallVector<Value> operands; // one a block argument

  Value addOperand(Value v) {
    operands.push_back(v);
    return block.addArgument(v.getType(), v.getLoc());
  }

  void dropUnusedOperands() {
    for (unsigned k = block.getNumArguments(); k-- > 0;) {
      if (!block.getArgument(k).use_empty()) continue;
      block.eraseArgument(k);
      operands.erase(operands.begin() + k);
    }
  }
};

bool isFloatTensor(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && isa<FloatType>(tensor.getElementType());
}

} // namespace

SmallVector<Value> SegmentOp::buildGradient(OpBuilder &builder, ValueRange resultGrads) {
  Block &forward = getBody().front();
  auto yielded = cast<YieldOp>(forward.getTerminator()).getValues();
  RecomputeBody body;
  OpBuilder inner(getContext());
  inner.setInsertionPointToEnd(&body.block);

  // Forward ops again, on the segment's operands.
  IRMapping again;
  for (auto [argument, input] : llvm::zip(forward.getArguments(), getInputs()))
    again.map(argument, body.addOperand(input));
  SmallVector<Operation *> ops;
  for (Operation &op : forward.without_terminator()) ops.push_back(inner.clone(op, again));

  // Their gradients, seeded with those of the results.
  Cotangents cotangents;
  for (auto [value, grad] : llvm::zip(yielded, resultGrads))
    if (grad) accumulate(inner, getLoc(), cotangents, again.lookup(value), body.addOperand(grad));
  SmallVector<Value> wanted;
  for (Value argument : forward.getArguments())
    if (isFloatTensor(argument.getType())) wanted.push_back(again.lookup(argument));
  if (failed(differentiateOps(inner, ops, wanted, cotangents))) return {};

  SmallVector<Value> grads, result(getInputs().size());
  SmallVector<unsigned> inputOfGrad;
  for (auto [k, argument] : llvm::enumerate(forward.getArguments()))
    if (Value grad = cotangents.lookup(again.lookup(argument))) {
      grads.push_back(grad);
      inputOfGrad.push_back(k);
    }
  YieldOp::create(inner, getLoc(), grads);

  // Values that the forward pass kept come from it; what only they needed is dead now.
  unsigned firstKept = getNumResults() - getKept();
  for (unsigned k = firstKept; k < getNumResults(); ++k) {
    Value recomputed = again.lookup(yielded[k]);
    if (recomputed.getDefiningOp()) recomputed.replaceAllUsesWith(body.addOperand(getResult(k)));
  }
  eraseDeadOps(body.block);
  body.dropUnusedOperands();

  auto recompute = RecomputeOp::create(builder, getLoc(), ValueRange(grads).getTypes(), body.operands);
  Block &target = recompute.getBody().emplaceBlock();
  for (Value argument : body.block.getArguments())
    argument.replaceAllUsesWith(target.addArgument(argument.getType(), argument.getLoc()));
  target.getOperations().splice(target.end(), body.block.getOperations());
  for (auto [k, grad] : llvm::zip(inputOfGrad, recompute.getOutputs())) result[k] = grad;
  return result;
}
