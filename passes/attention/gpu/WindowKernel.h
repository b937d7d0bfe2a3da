// All gradients of a window: a block slides along it and computes every pair of tiles once.
#pragma once
#include "passes/attention/gpu/GradientMath.h"
#include "passes/attention/gpu/WindowPlan.h"

namespace drawloom::attention {

struct WindowSpec {
  Shape shape;
  ViewAttr view;
  WindowCut cut;
  bool continues;          ///< adds to what the gradients hold
  int64_t segments, steps; ///< of a head; of a segment

  int64_t items() const { return shape.batch * segments * int64_t(view.getHeads().size()); }
};

/// Builds the kernel: five products a pair of tiles.
///
/// A block has a segment of a head: `steps` steps of `cut.groups` key tiles and as many query tiles. In a
/// step each warp group has one key tile and meets the `cut.width` query tiles from its own on, which a warp
/// of producers brings through a ring: S^T and dP^T with keys as rows, dV += P^T dO and dK += dS^T Q with
/// left operands from registers. Each dS^T waits in shared memory until its query tile has met all its key
/// tiles; then one group makes that tile's dQ = dS K of them, with the key tiles that are still there. So no
/// accumulator lives longer than a step. The steps before a segment only make what its first query tiles
/// need.
///
/// Groups meet twice a step, at mbarriers: `written` says that dS^T of the step's own query tiles is in
/// place, `read` that nobody needs it any more.
class WindowKernel {
public:
  WindowKernel(const TileKernel &k, const WindowSpec &spec, MapList &maps);

  int64_t threads() const { return (cut.groups + 1) * kGroupThreads; }
  int64_t sharedBytes() const { return layout.total; }
  void build() const;

private:
  static constexpr int64_t kTile = kGroupRows; ///< queries and keys of a tile

  struct Segment {
    Value batch, head;
    Value first; ///< the first tile of the leading steps (i32, may be negative): tiles count from here
    Value queries, keys; ///< extents of the slice
  };
  /// A warp group's key tile.
  struct Keys {
    TilePlace place;
    Value step, local; ///< i32; `local` is the tile's number within the segment
    Value exists;      ///< i1
    RowBounds bounds;
    mlir::TypedValue<dgpu::TileType> keys, values;
  };
  struct Sums {
    Value keys, values;
  };

  void setUp() const;
  Segment segment() const;
  TilePlace placeOf(const Segment &segment, Value local, bool isKeys) const;

  void produce(const Segment &segment) const;
  void bringKeys(const Segment &segment, Value local) const;
  SmallVector<Value> fetchStatistics(const Segment &segment, Value use) const;

  void consume(const Segment &segment) const;
  Keys keysOf(const Segment &segment, Value step) const;
  Sums meetQueries(const Segment &segment, const Keys &keys) const;
  SmallVector<Value> meet(const Keys &keys, const Ring::Slot &slot, Value at, Value target,
                          ValueRange sums) const;
  void finishQueries(const Segment &segment, const Keys &keys) const;
  void storeKeys(const Keys &keys, const Sums &sums) const;
  void endStores(Value step) const;
  void store(Value gradient, double factor, const ActivationTiles &tiles, const SideTiles &side,
             unsigned argument, const TilePlace &place, Value offset) const;

  /// Where dS^T of a key tile lies; `local` and `distance` are i32.
  Value scoreGradientAt(Value local, Value distance) const;
  mlir::TypedValue<dgpu::TileType> scoreGradientTile(Value offset) const;
  Value slotOf(int64_t offset, const ActivationTiles &tiles, const Ring::Slot &slot) const;
  Value statisticsAt(const Ring::Slot &slot, int64_t which) const;
  /// The tile's number lies within the segment, after the leading steps.
  Value isOwn(Value local) const;
  void groupBarrier() const;
  Value isFirstOfGroup() const { return g.equal(g.threadInGroup(), 0); }

  const TileKernel &k;
  const WindowSpec &spec;
  const WindowCut &cut;
  GpuBuilder g;
  GradientMath math;
  ViewInKernel view;
  SideTiles querySide, keySide;
  ActivationTiles queries, outGradients, keys, values, queryGradients, keyGradients, valueGradients;
  Type element;
  std::function<void()> barrier;
  SharedLayout layout;
  int64_t queriesAt, outGradientsAt, keysAt, valuesAt, scoreGradientsAt, statisticsBase;
  Ring queryRing, keyRing, valueRing;
  int64_t written, read;
};

} // namespace drawloom::attention
