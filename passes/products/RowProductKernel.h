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
  int64_t groupRows; ///< of each group that goes through rows: a work item
  RowProductCut cut;
};

/// Builds the kernel's body.
///
/// One thread brings slices of a and of b (64 of the inner extent) through a ring; b is small enough to come
/// from the L2 cache for each tile. One warp group multiplies, tile after tile: a tile is 64 rows of one of
/// the other groups, whose turns come round. It puts the product, rounded to its type, to that group's place
/// in shared memory; there each of the group's warps takes 16 rows, one by one as a row kernel's warp would,
/// and goes through the row ops with the code, and so the bits, of row kernels. What else it reads and all
/// that it writes passes through registers, as in row kernels. So products and row ops hide behind each
/// other.
class RowProductKernel {
public:
  RowProductKernel(const rows::IndexBuilder &k, const RowProductSpec &spec, MapList &maps);

  /// The product's elements where `at` is, for the row program; f32.
  Value loadProduct(const rows::TileContext &at) const;
  void build(rows::TeamEmitter &emitter);

  int64_t threads() const { return spec.cut.allGroups() * kGroupThreads; }
  int64_t sharedBytes() const { return layout.total; }

private:
  void setUp() const;
  void bringSlices() const;
  void multiplyTiles() const;
  Value multiply(Value tile, int64_t pass) const;
  void stage(Value product, int64_t pass, Value place) const;
  void goThroughRows(rows::TeamEmitter &emitter);

  Ring::Slot slotOf(Value tile, int64_t pass, int64_t slice) const;
  Value aSlice(const Ring::Slot &slot) const;
  Value bSlice(const Ring::Slot &slot) const;
  Value placeOf(Value group) const;
  void groupBarrier() const;
  int64_t sumOffset(int64_t entry, int64_t columns) const;
  int64_t slices() const { return (spec.inner + kSliceInner - 1) / kSliceInner; }
  int64_t passes() const { return spec.columns / spec.cut.passColumns; }
  int64_t stageBytes() const { return sliceType.bytes() + weightType.bytes(); }
  Value tiles() const { return g.mul(turns, spec.cut.groups); }
  Value firstRowOf(Value turn, Value group) const; ///< of the group's tile; i32

  const RowProductSpec &spec;
  GpuBuilder g;
  dgpu::TileType sliceType, weightType, placeType;
  SharedLayout layout;
  int64_t stagesAt, placesAt;
  std::optional<Ring> ring, places; ///< places: a slot for each group
  Value aMap, bMap;
  Value firstRow, turns; ///< of the block (i32): its first row, tiles of a group
  Value place;           ///< of the thread's group (i32)
  Value firstOfTile;     ///< row (index) of the tile in work
};

} // namespace drawloom::products
