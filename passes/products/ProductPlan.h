// How a product with an epilogue is shared out among blocks and cut into tiles.
#pragma once
#include <cstdint>

namespace drawloom::products {

/// A product [rows, inner] x [inner, columns] and what its epilogue reads and writes besides.
struct ProductShape {
  int64_t rows, columns, inner;
  bool transposeB; ///< b is [columns, inner]
  int64_t inputs;  ///< tensors [rows, columns] that the epilogue reads: 0 or 1
  int64_t outputs; ///< tensors [rows, columns] that are written
  bool sums;       ///< there are sums over rows
  int64_t head;    ///< columns that are summed along a row, and so stay in one tile; 1: there is no such sum
};

/// A block owns some columns of b, which stay in shared memory, and goes through tiles of 64 rows; its warp
/// groups take turns at them.
struct ProductCut {
  int64_t groups;   ///< consumer warp groups
  int64_t columns;  ///< of a tile
  int64_t stages;   ///< of the ring of slices of a
  int64_t launched; ///< blocks: a multiple of the column tiles

  int64_t columnTiles(const ProductShape &shape) const { return (shape.columns + columns - 1) / columns; }
  /// Blocks that share a column tile.
  int64_t rowBlocks(const ProductShape &shape) const { return launched / columnTiles(shape); }
};

inline constexpr int64_t kTileRows = 64;   ///< of a warp group's tile
inline constexpr int64_t kSliceInner = 64; ///< of the inner extent, in a slot of the ring

int64_t rowTiles(const ProductShape &shape);
int64_t slices(const ProductShape &shape);
/// Tiles in shared memory where a warp group's inputs arrive and its outputs leave: the first output takes
/// the input's place.
int64_t places(const ProductShape &shape);

/// Registers of a consumer's thread, after the warp groups have shared them out anew.
int64_t consumerRegisters(int64_t groups);
inline constexpr int64_t kProducerRegisters = 24;
/// Of an H100 or H200: decides how many blocks there are, nothing else.
inline constexpr int64_t kMultiprocessors = 132;
/// Bytes of a block's shared memory for tiles of 16-bit elements; the rest is for mbarriers.
int64_t tileBytes();
inline constexpr int64_t kElementBytes = 2;

/// Fills the card: a multiple of the column tiles.
int64_t launchedBlocks(const ProductShape &shape, const ProductCut &cut);

/// Whether some tile has whole heads of so many columns, and a head whole chunks of the eight that a
/// product's fragment has side by side.
bool fitsTiles(int64_t head);

/// The cut for an H100 or H200. `fitsTiles(shape.head)` holds.
ProductCut chooseCut(const ProductShape &shape);

} // namespace drawloom::products
