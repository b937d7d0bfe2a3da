#include "passes/products/RowProductPlan.h"
#include <algorithm>

namespace drawloom::products {

RowProductCut chooseRowCut(int64_t columns) {
  constexpr int64_t groups = 3, mostStages = 8;
  // More columns at a time need more registers than ptxas gives a thread of so many.
  int64_t passColumns = columns % (2 * kRowColumns) == 0 ? 2 * kRowColumns : kRowColumns;
  int64_t places = groups * kTileRows * columns * kElementBytes;
  int64_t stage = (kTileRows + passColumns) * kSliceInner * kElementBytes;
  return {groups, passColumns, std::min(mostStages, (tileBytes() - places) / stage)};
}

int64_t rowRegisters(const RowProductCut &cut) {
  int64_t launched = 512 / cut.allGroups() / 8 * 8;
  return (launched * (cut.allGroups() - 1) - kProducerRegisters) / cut.groups / 8 * 8;
}

} // namespace drawloom::products
