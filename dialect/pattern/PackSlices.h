// Packing: several short slices side by side as one.
//
// A column of 24 rows fills three eighths of a 64-row tile. Where all slices of a view have R rows and K key
// slots, p of them make one slice of p R rows and p K slots that is block-diagonal: row x is row x mod R of
// slice x div R, and its interval of slots is that row's, K (x div R) further on. Two columns of 24 rows,
// each a triangle:
//
//            t 0 .. 23   24 .. 47
//      x  0    x
//         ..   x x
//         23   x x x
//         24             x
//         ..             x x
//         47             x x x
//
// The pairs are the same and each row's interval is as long as before; only tiles are fuller, and fewer.
#pragma once
#include "dialect/pattern/View.h"
#include <optional>

namespace drawloom {

/// The view with `count` slices packed into one (the last one may hold fewer). Nothing if the slices' extents
/// differ, if the view has a predicate, or if its bounds leave [0, keys] and [0, rows] where that would need
/// cutting off (a lower bound above the extent, an upper bound below 0).
std::optional<PieceView> packSlices(const PieceView &view, int64_t count);

/// The view packed so that as many slices share a tile of `tile` rows and as many slots as fit whole; the
/// view itself where only one does or packing has no exact form.
PieceView packToFill(const PieceView &view, int64_t tile);

} // namespace drawloom
