// A head's pattern as disjoint cells: conjunctions of recognised conditions.
#pragma once
#include "dialect/pattern/Conditions.h"

namespace drawloom {

/// Disjoint, non-empty cells (causality included as a condition where it is not implied) whose union is that
/// of `conjunctions`; nothing if a condition is not recognised or the cells become too many. `order` is the
/// order of subtraction: the k-th cells give up what conjunctions order[0 .. k-1] have.
std::optional<std::vector<Cell>> disjointCells(const std::vector<Cell> &conjunctions,
                                               llvm::ArrayRef<size_t> order, const CellSpace &space);

/// The conjunctions with every condition recognised, without empty ones and ones contained in others; nothing
/// if a condition is of no recognised kind.
std::optional<std::vector<Cell>> recognizeCells(const std::vector<Conjunction> &conjunctions,
                                                const CellSpace &space);

} // namespace drawloom
