// The forward kernel of the tensor cores: blocks own query tiles and stream the keys past them.
#pragma once
#include "passes/attention/gpu/BatchOrder.h"
#include "passes/attention/gpu/ForwardPlan.h"
#include "passes/attention/gpu/FragmentSoftmax.h"
#include "passes/attention/gpu/SideTiles.h"
#include <cmath>
#include <deque>

namespace drawloom::attention {

/// A kernel for one view, or for several whose queries are the same: each of them brings keys.
struct ForwardSpec {
  Shape shape;
  SmallVector<ViewAttr, 2> views;
  ForwardCut cut;
  bool continues;        ///< from what out and lse hold
  BatchOrder order;      ///< in which items go through the batch
  int64_t slices, tiles; ///< of a head, of a slice: the most
  int64_t keys;          ///< of a slice: the most
  bool keysAreBoxes;     ///< key tiles of all views come by bulk copies
  /// Of two views, each 64 queries that are one group's meet one key tile of the first, and skip fewer tiles
  /// than the ring of values has before the first that they meet of the second.
  bool startsWithOneTile;
  bool isHopper; ///< sm_90a: asynchronous products of warp groups, bulk copies; else sm_80: products of
                 ///< warps, copies by threads

  int64_t items() const { return shape.batch * slices * int64_t(views.front().getHeads().size()) * tiles; }
  /// Work items of the launch: `cut.items` a block, of which the last ones may be no query tiles.
  int64_t grid() const {
    return llvm::divideCeil(items(), cut.items * cut.launched) * cut.items * cut.launched;
  }
};

/// Builds the kernel's body; arguments q, k, v, out, lse.
///
/// The last warp (or warp group) of a block produces: it brings the query tile of each item, and, where the
/// kernel continues, the output so far, then key and value tiles, through three rings. A consumer is a warp
/// group with 64 queries. Per key tile it computes scores, the online softmax, and adds probabilities times
/// values, which never leave registers in between; the scores of a tile are computed while the probabilities
/// of the tile before are still being multiplied. A row's keys are one interval of slots, so that a mask is
/// two comparisons with numbers found once a query tile, and only on tiles that some row meets in part.
///
/// With several views a query tile streams the keys of one after those of the other through the same rings;
/// the softmax goes on.
class ForwardKernel {
public:
  enum Argument { kQ, kK, kV, kOut, kLse };

  ForwardKernel(const TileKernel &k, const ForwardSpec &spec, MapList &maps);

  int64_t threads() const { return cut.groups * kGroupThreads + producers; }
  int64_t sharedBytes() const { return layout.total; }
  void build() const;

private:
  /// The keys of one view.
  struct Stream {
    Stream(const ForwardKernel &kernel, ViewAttr attr, MapList &maps);
    Stream(const Stream &) = delete;

    ViewInKernel view;
    SideTiles rows, side; ///< queries, whose bounds are the view's, and keys
    ActivationTiles keys, values;
  };
  /// What a query tile meets of a stream.
  struct Span {
    Value keys;     ///< slots of the slice
    Value from, to; ///< key tiles (i32)
    Value before;   ///< key tiles of the streams before it (i32)
  };
  struct Item {
    TilePlace queries;
    SmallVector<Span, 2> spans; ///< of each stream
    Value tiles;                ///< key tiles of all streams (i32)
  };
  /// What a consumer knows of its 64 queries.
  struct Rows {
    std::array<Value, 2> row, position; ///< of the thread's two rows
    std::array<Value, 2> exists;
    Value queries; ///< tile or fragment
    RowPair lse;   ///< where the kernel continues
  };
  /// What they meet of a stream.
  struct Met {
    Value low, high;          ///< vector<2x1xi32>: the slots that the thread's two rows meet
    Value wholeFrom, wholeTo; ///< i32: slots that all rows of the group meet
    Value from, to;           ///< i32: key tiles that the group meets
  };
  struct Sums {
    Value out;
    SoftmaxState state;
  };
  /// A key tile that rows meet.
  struct Place {
    const Rows &rows;
    const Stream &stream;
    const Met &met;
    Value tile; ///< i32
    Ring::Slot slot;
  };
  /// Probabilities whose product with the values in `slot` has not been started.
  struct Pending {
    Value probabilities;
    Ring::Slot slot;
  };
  /// What has become of a tile's scores.
  struct Tile {
    Value probabilities; ///< 16 bits
    SoftmaxState state;
    RowPair rescale;
    Value isRescaled; ///< i1, alike in a warp: else rescale is 1; null: always
  };

  void setUp() const;
  void forEachItem(llvm::function_ref<void(const Item &, Value count, Value step)> body) const;
  Value itemOf(Value turn) const;
  Value small(Value index) const;
  Ring::Slot slotOf(const Span &span, Value step, Value tile) const;

  void produce() const;
  void produceKeys(const Stream &stream, const Span &span, const Item &item, Value step) const;
  /// Runs `body` by whoever starts copies: one thread, or all producers where rows are gathered.
  void bring(bool isBulk, const Ring &ring, const Ring::Slot &slot,
             llvm::ArrayRef<std::pair<const ActivationTiles *, Value>> tiles, const TilePlace &place) const;

  void consume() const;
  void consumeItem(const Item &item, Value count, Value step) const;
  Rows rowsOf(const Item &item) const;
  Met metBy(const Item &item, const Rows &rows, const Stream &stream, const Span &span) const;
  Value rowAfter(const Item &item, Value row) const;
  void skip(Value from, Value to, const Span &span, Value step) const;
  Sums meetTiles(const Rows &rows, const Stream &stream, const Span &span, const Met &met, Value step,
                 const Sums &start) const;
  Sums meetLedByOneTile(const Item &item, const Rows &rows, Value step, const Sums &start) const;
  Place placeOf(const Rows &rows, const Stream &stream, const Span &span, const Met &met, Value step,
                Value tile) const;
  Sums meetFirst(const Place &place, const Sums &start, bool isFirstStream, Pending &pending) const;
  Sums goOn(const Rows &rows, const Stream &stream, const Span &span, const Met &met, Value step, Value from,
            const Sums &start, Pending &pending) const;
  Sums finishTiles(const Sums &sums, const Pending &pending) const;
  static SmallVector<Value> listOf(const Sums &s);
  static Sums sumsOf(mlir::ValueRange list);
  Value loadQueries(Value tile) const;
  mlir::TypedValue<dgpu::TileType> keysIn(const Ring::Slot &slot) const;
  Value startScores(const Rows &rows, const Ring::Slot &slot) const;
  Value scoresOfWarp(const Rows &rows, const Ring::Slot &slot) const;
  Tile meetTile(const Place &place, Value scores, const SoftmaxState &before, bool expectsNoGreater) const;
  Value rescaled(Value out, const Tile &tile) const;
  Value masked(Value scores, const Place &place) const;
  Value startOutputs(Value probabilities, const Ring::Slot &slot, Value out) const;
  void finish(const Item &item, const Rows &rows, const Ring::Slot &slot, const Sums &sums) const;
  bool rowsAreNeighbours() const;
  void storeOutputs(const Item &item, const Ring::Slot &slot) const;
  Value finishOutputs(const Rows &rows, const Ring::Slot &slot, const Sums &sums, RowPair &lse) const;

  Value pack(Value fragment) const;
  mlir::VectorType packedType(int64_t columns) const;
  Value wait(Value value, int64_t pending) const;
  void fenceAsync() const;
  Value at(int64_t offset, const ActivationTiles &tiles, const Ring::Slot &slot) const;
  Value outAt(const Ring::Slot &slot) const;
  void groupBarrier() const;
  Value groupRow() const { return g.mul(g.group, kGroupRows); }
  /// Of scores, as exponents of 2: the scale without its sign (the scores take that), and 1 for 0 (they are 0
  /// then).
  double factor() const { return (spec.shape.scale == 0 ? 1.0 : std::abs(spec.shape.scale)) * kLog2E; }
  /// Of the same form in all streams.
  const ActivationTiles &keyTiles() const { return streams.front().keys; }
  const ActivationTiles &valueTiles() const { return streams.front().values; }
  bool isBulk() const { return queryTiles.isBulk() && keyTiles().isBulk(); }

  const TileKernel &k;
  const ForwardSpec &spec;
  const ForwardCut &cut;
  GpuBuilder g;
  FragmentSoftmax softmax;
  ViewInKernel view; ///< the first one: all have its queries
  SideTiles querySide;
  ActivationTiles queryTiles;
  std::deque<Stream> streams;
  std::optional<ActivationTiles> outTiles; ///< where the kernel continues
  SideTiles groupSide;                     ///< a group's share of the query side
  std::optional<ActivationTiles> outStore; ///< where a group's outputs leave by a bulk copy
  dgpu::TileType outType;
  int64_t producers;
  SharedLayout layout;
  int64_t queriesAt, keysAt, valuesAt, outsAt;
  std::optional<Ring> queryRing, keyRing, valueRing;
};

} // namespace drawloom::attention
