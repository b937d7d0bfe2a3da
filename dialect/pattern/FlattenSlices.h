// Slices that lie one after the other, as one slice: the same piece in positions.
#pragma once
#include "dialect/pattern/View.h"
#include <optional>

namespace drawloom {

/// The view with one slice whose row i is query i, for all n positions. Given for a view that is so already,
/// and for one whose slice s has queries and keys [l s, min(l (s + 1), n)), as blocks do; nothing for any
/// other, nor for one with a predicate. Views in this form have the same query tiles, whatever their keys
/// are. O(n) evaluations.
std::optional<PieceView> inPositions(const PieceView &view, int64_t n);

} // namespace drawloom
