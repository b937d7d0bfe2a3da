#include "passes/attention/DeltaSource.h"

using namespace mlir;

namespace drawloom::attention {

DeltaSource deltaSource(AttendGradOp op, bool coversRows) {
  auto delta = op.getDelta().getDefiningOp<AttentionDeltaOp>();
  if (!delta || delta.getOut().getType() != delta.getDout().getType()) return DeltaSource::Given;
  bool isFirst = true, isAlone = true;
  for (Operation *user : delta->getUsers()) {
    if (user == op) continue;
    isFirst &= op->isBeforeInBlock(user);
    for (int64_t head : cast<AttendGradOp>(user).getView().getHeads())
      isAlone &= !llvm::is_contained(op.getView().getHeads(), head);
  }
  return isAlone ? DeltaSource::Made : isFirst && coversRows ? DeltaSource::MadeAndKept : DeltaSource::Given;
}

} // namespace drawloom::attention
