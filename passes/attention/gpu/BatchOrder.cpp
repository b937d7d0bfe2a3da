#include "passes/attention/gpu/BatchOrder.h"

using namespace mlir;

namespace drawloom::attention {

BatchOrder batchOrderAfter(Value before) {
  // Results that are written in place lead back to the first launch.
  int64_t launches = 0;
  while (before) {
    auto launch = before.getDefiningOp<LaunchOp>();
    if (!launch) break;
    ++launches;
    int64_t input = launch.getInplace()[cast<OpResult>(before).getResultNumber()];
    before = input < 0 ? Value() : launch.getInputs()[input];
  }
  return launches % 2 ? BatchOrder::Backwards : BatchOrder::Forwards;
}

Value entryAt(const TileKernel &k, BatchOrder order, int64_t batch, Value position) {
  if (order == BatchOrder::Forwards || batch == 1) return position;
  return k.apply(-k.dim(0) + (batch - 1), position);
}

} // namespace drawloom::attention
