// The views of one cell.
#pragma once
#include "dialect/pattern/Conditions.h"
#include "dialect/pattern/View.h"

namespace drawloom {

/// Disjoint views that together are exactly the cell, for `heads`; nothing if the cell has none.
std::optional<std::vector<PieceView>> viewsOfCell(const Cell &cell, const CellSpace &space,
                                                  const std::vector<int64_t> &heads);

} // namespace drawloom
