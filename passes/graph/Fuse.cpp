// drawloom-fuse: row ops on the same rows become one fusion.
#include "passes/Passes.h"
#include "passes/graph/FusionGroups.h"
#include "passes/graph/RepeatBiases.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_FUSE
#include "passes/Passes.h.inc"

namespace {

/// "layers.0.ff + layers.1.attention": the labels of the ops, each once, in program order.
std::string joinLabels(ArrayRef<Operation *> ops) {
  llvm::SetVector<StringRef> labels;
  for (Operation *op : ops)
    if (auto label = op->getAttrOfType<StringAttr>(kLabelAttr)) labels.insert(label.getValue());
  return llvm::join(labels, " + ");
}

/// Moves `ops` into a new fusion at the builder's insertion point, which everything they need dominates.
void outline(OpBuilder &builder, ArrayRef<Operation *> ops) {
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
}

struct Fuse : impl::FuseBase<Fuse> {
  void fuseBlock(Block &block) {
    auto groups = findFusionGroups(block);
    OpBuilder builder(block.getTerminator());
    for (const std::vector<Operation *> &ops : groups) {
      if (ops.size() == 1) {
        ops.front()->moveBefore(block.getTerminator());
        continue;
      }
      outline(builder, ops);
      ++numFusions;
      numFused += ops.size();
    }
    repeatBiases(block);
  }

  void runOnOperation() override {
    SmallVector<Block *> blocks;
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (!func.isExternal()) blocks.push_back(&func.getBody().front());
    getOperation().walk([&](RecomputeOp recompute) { blocks.push_back(&recompute.getBody().front()); });
    for (Block *block : blocks) fuseBlock(*block);
  }
};

} // namespace
} // namespace drawloom
