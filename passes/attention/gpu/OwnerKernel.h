// The gradients that belong to a tile: a block owns a tile of one side of the view and streams the other side
// past it.
#pragma once
#include "passes/attention/gpu/BackwardPlan.h"
#include "passes/attention/gpu/GradientMath.h"

namespace drawloom::attention {

struct OwnerSpec {
  Shape shape;
  ViewAttr view;
  Owner owner;
  OwnerCut cut;
  bool continues;                 ///< adds to what the gradients hold
  int64_t slices, tiles;          ///< of a head, of a slice: the most
  unsigned first = 0, values = 0; ///< arguments that are dQ or dK, and dV

  int64_t items() const { return shape.batch * slices * int64_t(view.getHeads().size()) * tiles; }
};

/// Builds the code of one owner at the kernel's insertion point.
///
/// A block has a warp group of producers and `cut.groups` of consumers. Producers bring the owned tiles once
/// an item and the streamed ones through a ring (bulk copies where the view has boxes, else by 16-byte
/// pieces), with the streamed rows' statistics where the owner has keys. A consumer holds 64 rows: per
/// streamed tile, two products S and dP, the exponentials, then the products that add to its gradients, whose
/// left operands P and dS never leave the registers.
class OwnerKernel {
public:
  OwnerKernel(const TileKernel &k, const OwnerSpec &spec, MapList &maps);

  int64_t threads() const { return (spec.cut.groups + 1) * kGroupThreads; }
  int64_t sharedBytes() const { return layout.total; }

  /// Items [from, to) of the owner's own count.
  void build(Value from, Value to) const;

private:
  struct Item {
    TilePlace own;          ///< the owned tile
    Value other;            ///< extent of the streamed side
    Value tileFrom, tileTo; ///< streamed tiles (i32)
  };
  struct Gradients {
    Value first, values;
  };
  /// What does not change while tiles stream past a consumer.
  struct Rows {
    Value row; ///< the first of the group in the tile
    RowBounds bounds;
    mlir::TypedValue<dgpu::TileType> first, values; ///< the owned operands: 64 rows of the tiles
    QueryStatistics statistics;                     ///< of owned queries
  };

  void setUp() const;
  void clear(int64_t offset, int64_t bytes) const;
  void produce(Value from, Value to) const;
  void produceStream(const Item &item, Value step) const;
  void loadStatistics(const TilePlace &place, const Ring::Slot &slot) const;
  void consume(Value from, Value to) const;
  void consumeItem(const Item &item, Value step) const;
  Gradients meet(const Rows &rows, const Ring::Slot &slot, Value tile, Gradients gradients) const;
  Rows rowsOf(const Item &item) const;
  void finish(const Item &item, Value row, const Gradients &gradients) const;

  Value forEachItem(Value from, Value to,
                    llvm::function_ref<void(const Item &, Value count, Value step)> body) const;
  TilePlace streamed(const Item &item, Value tile) const;
  Value streamOffset(const Ring::Slot &slot, bool values) const;
  Value statisticsOffset(const Ring::Slot &slot, int64_t which) const;
  void groupBarrier() const;
  bool hasStatistics() const { return ownsKeys(spec.owner); }

  const TileKernel &k;
  const OwnerSpec &spec;
  GpuBuilder g;
  GradientMath math;
  ViewInKernel view;
  SideTiles ownSide, streamSide;
  ActivationTiles ownFirst, ownValues, streamFirst, streamValues; ///< with d_qk and with d_v channels
  SharedLayout layout;
  int64_t ownFirstAt, ownValuesAt, streamFirstAt, streamValuesAt, statisticsAt;
  Ring ownRing, ring;
};

} // namespace drawloom::attention
