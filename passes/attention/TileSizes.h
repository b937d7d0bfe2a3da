// How large the tiles of a view are.
#pragma once
#include "dialect/pattern/View.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace drawloom::attention {

/// What a tile pass does with a pair of tiles.
struct TileWork {
  int64_t dQk, dV;  ///< channels a head
  bool isBackward;
};

struct TileSizes {
  int64_t queries, keys;
};

/// The tile extents at which the estimated time for the view's tiles is least. The estimate, in vector operations of 16 lanes:
///   a pair of tiles   its multiply-adds (at edges those within the extents, dearer because each loads its factor), its
///                     exponentials, the packing of keys and values (backward also the update of their gradients), a constant;
///   a query tile      its transposition, and a constant.
/// Tiles are counted with the view's own bounds on a sample of slices and rows. Extents whose scratch exceeds a quarter of a 1 MiB second-level
/// cache are left out. Choices depend on the view and shapes alone: the summation order, and so the bits, follow from them.
TileSizes chooseTileSizes(const PieceView &view, const TileWork &work);

/// What a query tile meets.
struct Met {
  double tiles;      ///< of keys
  double pairs;      ///< with extents rounded, in all tiles
  double wholePairs; ///< in tiles without a mask
};

/// The cost of a query row: that of query tiles by what they meet, on a sample of slices and rows.
double sampleRow(const PieceView &view, TileSizes sizes, llvm::function_ref<double(const Met &)> costOf);

} // namespace drawloom::attention
