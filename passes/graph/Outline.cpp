#include "passes/graph/Outline.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;

namespace drawloom {

/// "layers.0.ff + layers.1.attention": the labels of the ops, each once, in program order.
static std::string joinLabels(ArrayRef<Operation *> ops) {
  llvm::SetVector<StringRef> labels;
  for (Operation *op : ops)
    if (auto label = op->getAttrOfType<StringAttr>(kLabelAttr)) labels.insert(label.getValue());
  return llvm::join(labels, " + ");
}

FusionOp outline(OpBuilder &builder, ArrayRef<Operation *> ops) {
  llvm::SmallPtrSet<Operation *, 16> members(ops.begin(), ops.end());
  llvm::SetVector<Value> inputs;
  SmallVector<Value> outputs;
  SmallVector<Location> locs;
  for (Operation *op : ops) {
    locs.push_back(op->getLoc());
    for (Value operand : op->getOperands())
      if (!members.contains(operand.getDefiningOp())) inputs.insert(operand);
    for (Value result : op->getResults())
      if (llvm::any_of(result.getUsers(), [&](Operation *user) { return !members.contains(user); }))
        outputs.push_back(result);
  }
  Location loc = builder.getFusedLoc(locs);
  auto fusion = FusionOp::create(builder, loc, ValueRange(outputs).getTypes(), inputs.getArrayRef());
  if (std::string label = joinLabels(ops); !label.empty())
    fusion->setAttr(kLabelAttr, builder.getStringAttr(label));

  Block &body = fusion.getBody().emplaceBlock();
  for (Value input : inputs) body.addArgument(input.getType(), input.getLoc());
  for (Operation *op : ops) op->moveBefore(&body, body.end());
  for (auto [k, argument] : llvm::enumerate(body.getArguments())) {
    Value input = inputs[k];
    input.replaceUsesWithIf(argument, [&](OpOperand &use) { return members.contains(use.getOwner()); });
  }
  for (auto [inner, outer] : llvm::zip_equal(outputs, fusion.getOutputs()))
    inner.replaceUsesWithIf(outer, [&](OpOperand &use) { return !members.contains(use.getOwner()); });
  OpBuilder inside = OpBuilder::atBlockEnd(&body);
  YieldOp::create(inside, loc, outputs);
  return fusion;
}

} // namespace drawloom
