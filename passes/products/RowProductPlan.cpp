#include "passes/products/RowProductPlan.h"
#include "passes/rows/Chunks.h"
#include <algorithm>

namespace drawloom::products {

using rows::ceilDiv;

static constexpr int64_t kMostStages = 8;

int64_t rowsOfBlock(int64_t rows, const RowProductCut &cut) {
  return ceilDiv(ceilDiv(rows, cut.tileRows()), kMultiprocessors) * cut.tileRows();
}

RowProductCut chooseRowCut(int64_t columns, bool hasSums) {
  RowProductCut cut;
  cut.columnGroups = columns % (2 * kRowColumns) == 0 && !hasSums ? 2 : 1;
  int64_t places = cut.tileRows() * columns * kElementBytes;
  int64_t stage = (cut.tileRows() + columns) * kSliceInner * kElementBytes;
  cut.stages = std::min(kMostStages, (tileBytes() - places) / stage);
  return cut;
}

} // namespace drawloom::products
