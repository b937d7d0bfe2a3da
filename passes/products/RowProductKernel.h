// A product whose rows go through row ops that need whole rows, before anything is written.
#pragma once
#include "passes/products/ProductTiles.h"
#include "passes/products/RowProductPlan.h"
#include "passes/rows/TeamEmitter.h"

namespace drawloom::products {

/// What the kernel multiplies: numbers of its memrefs, and shapes.
struct RowProductSpec {
  unsigned a, b;
  int64_t rows, columns, inner;
  bool transposeB;
  RowProductCut cut;
};

/// Builds the kernel's body.
///
/// One thread brings slices of a and of b (64 of the inner extent) through a ring; b is small enough to come
/// from the L2 cache for each tile of the block. All warp groups multiply a slice at the same time, each 64
/// rows with its columns. The product, rounded to its type, goes to a place in shared memory that the groups
/// with these rows share; there each of their warps takes some rows, one by one as a row kernel's warp would,
/// and goes through the row ops with the code, and so the bits, of row kernels. What else it reads and all
/// that it writes passes through registers, as in row kernels; meanwhile the ring fills for the next tile.
class RowProductKernel {
public:
  RowProductKernel(const rows::IndexBuilder &k, const RowProductSpec &spec, MapList &maps);

  /// The product's elements where `at` is, for the row program; f32.
  Value loadProduct(const rows::TileContext &at) const;
  void build(rows::TeamEmitter &emitter);

  int64_t threads() const { return (spec.cut.groups() + 1) * kGroupThreads; }
  int64_t sharedBytes() const { return layout.total; }

private:
  void setUp() const;
  void bringSlices() const;
  void consume(rows::TeamEmitter &emitter);
  Value multiply(Value turn) const;
  void stage(Value product) const;

  Ring::Slot slotOf(Value turn, int64_t slice) const;
  Value aSlice(const Ring::Slot &slot, Value rowGroup) const;
  Value bSlice(const Ring::Slot &slot, Value columnGroup) const;
  void placeBarrier() const;
  int64_t slices() const { return (spec.inner + kSliceInner - 1) / kSliceInner; }
  int64_t stageBytes() const {
    return spec.cut.rowGroups * sliceType.bytes() + spec.cut.columnGroups * weightType.bytes();
  }
  int64_t groupColumns() const { return spec.columns / spec.cut.columnGroups; }
  Value firstRowOf(Value turn) const; ///< of the block's tile; i32

  const RowProductSpec &spec;
  GpuBuilder g;
  dgpu::TileType sliceType, weightType, placeType;
  SharedLayout layout;
  int64_t stagesAt, placesAt;
  std::optional<Ring> ring;
  Value aMap, bMap;
  Value rowGroup, columnGroup; ///< of the thread's warp group (i32)
  Value place;                 ///< of the rows' groups (i32)
  Value firstOfTile;           ///< their first row (index) of the tile in work
  Value firstRow, turns;       ///< of the block (i32): its first row, its tiles
};

} // namespace drawloom::products
