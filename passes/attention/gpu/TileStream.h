// What the kernels of owners of tiles are fed with: a block's own tile of one side of a view, and the tiles
// of the other side that stream past it.
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
  RelayArguments relay = {};      ///< of an owner that relays dQ

  int64_t items() const { return shape.batch * slices * int64_t(view.getHeads().size()) * tiles; }
};

/// A warp group of producers brings the owned tiles once an item and the streamed ones through a ring (bulk
/// copies where the view has boxes, else by 16-byte pieces), with the streamed rows' statistics where the
/// owner has keys.
///
/// An owner that relays dQ has its streamed tiles in pairs, the last pair first; where there is no second
/// tile the first one comes again, and no row of it is met.
class TileStream {
public:
  TileStream(const TileKernel &k, const GpuBuilder &g, const GradientMath &math, const OwnerSpec &spec,
             MapList &maps);

  const TileKernel &k;
  const OwnerSpec &spec;
  const GpuBuilder &g;
  const GradientMath &math;
  ViewInKernel view;
  SideTiles ownSide, streamSide;
  ActivationTiles ownFirst, ownValues, streamFirst, streamValues; ///< with d_qk and with d_v channels
  SharedLayout layout;
  int64_t ownFirstAt, ownValuesAt, streamFirstAt, streamValuesAt, statisticsAt;
  Ring ownRing, ring;

  struct Item {
    TilePlace own;          ///< the owned tile
    Value other;            ///< extent of the streamed side
    Value tileFrom, tileTo; ///< streamed tiles (i32); even if they come in pairs
    Value sequence;         ///< number of the batch row, slice and head together
  };

  /// Sets up barriers and shared memory; thread 0 does `more` besides.
  void setUp(llvm::function_ref<void()> more = nullptr) const;
  /// Items [from, to) of the owner's own count, by the warp group of producers.
  void produce(Value from, Value to) const;
  /// Calls `body` with each item that exists; the step of the ring goes on from item to item.
  Value forEachItem(Value from, Value to,
                    llvm::function_ref<void(const Item &, Value count, Value step)> body) const;

  /// The tile that comes in turn `turn` of [tileFrom, tileTo).
  Value tileOf(const Item &item, Value turn) const;
  TilePlace streamed(const Item &item, Value tile) const;
  Value streamOffset(const Ring::Slot &slot, bool values) const;
  Value statisticsOffset(const Ring::Slot &slot, int64_t which) const;
  bool gathers() const { return !ownFirst.isBulk() || !streamFirst.isBulk(); }

private:
  void produceStream(const Item &item, Value step) const;
  void loadStatistics(const TilePlace &place, const Ring::Slot &slot) const;
  int64_t threads() const { return (spec.cut.groups + 1) * kGroupThreads; }
  bool hasStatistics() const { return ownsKeys(spec.owner); }
};

} // namespace drawloom::attention
