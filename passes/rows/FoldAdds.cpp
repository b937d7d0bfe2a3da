// An accumulated gradient is a sum over rows added to what was there before: on a GPU the sum's second launch
// adds it at once, instead of another launch for a few hundred elements.
#include "passes/rows/GpuKernels.h"

using namespace mlir;

namespace drawloom::rows {

/// True for sums over rows that a second launch finishes and that start from nothing.
static bool isPlainSum(OpResult result) {
  if (isa<EmbedGradOp>(result.getOwner())) return true;
  auto fusion = dyn_cast<FusionOp>(result.getOwner());
  if (!fusion) return false;
  auto inner =
      dyn_cast<OpResult>(fusion.getBody().front().getTerminator()->getOperand(result.getResultNumber()));
  if (!inner) return false;
  if (auto sum = dyn_cast<ColumnSumOp>(inner.getOwner())) return !sum.getInit();
  return isa<LayerNormGradOp>(inner.getOwner()) && inner.getResultNumber() > 0;
}

void foldAddsIntoSums(ModuleOp module, LoweringContext &context, function_ref<bool(Operation *)> isLowered) {
  SmallVector<AddOp> adds;
  module.walk([&](AddOp add) {
    if (!isa<FusionOp>(add->getParentOp())) adds.push_back(add);
  });
  for (AddOp add : adds)
    for (auto [sum, other] : {std::pair(add.getA(), add.getB()), std::pair(add.getB(), add.getA())}) {
      auto result = dyn_cast<OpResult>(Value(sum));
      if (!result || !result.hasOneUse() || result.getOwner()->getBlock() != add->getBlock()) continue;
      Operation *otherOp = other.getDefiningOp();
      bool isThere =
          !otherOp || (otherOp->getBlock() == add->getBlock() && otherOp->isBeforeInBlock(result.getOwner()));
      if (!isThere || !isLowered(result.getOwner()) || !isPlainSum(result)) continue;
      context.sumInits[result] = other;
      add.getOut().replaceAllUsesWith(result);
      add.erase();
      break;
    }
}

} // namespace drawloom::rows
