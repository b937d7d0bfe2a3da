#include "passes/attention/BackwardKernel.h"
#include "passes/attention/LookAhead.h"
#include "passes/attention/SliceTensor.h"

using namespace mlir;

namespace drawloom::attention {
namespace {

class BackwardKernel {
public:
  BackwardKernel(const Backward &spec, const TileKernel &k)
      : spec(spec), shape(spec.shape), sizes(spec.sizes), k(k), inView(k, spec.view, spec.shape.n) {
    queriesT = k.tile({shape.dQk, sizes.queries});
    dOutT = k.tile({shape.dV, sizes.queries});
    lse = k.tile({sizes.queries});
    delta = k.tile({sizes.queries});
    // O is needed before Q and no longer then.
    if (spec.delta != DeltaSource::Given)
      outT = shape.dQk == shape.dV ? queriesT : k.tile({shape.dV, sizes.queries});
    if (spec.keptSlots) {
      kept.emplace(k, spec);
    } else {
      keyTile = k.tile({sizes.keys, shape.dQk});
      valueTile = k.tile({sizes.keys, shape.dV});
    }
    scores = k.tile({sizes.keys, sizes.queries});
    grads = k.tile({sizes.keys, sizes.queries});
    extents = k.extentsFor(sizes.queries);
    sumExtents = k.isForBlocks ? extents : k.extentsFor(sizes.queries, kFineExtentQueries);
    if (spec.ownsWholeSlice && !k.isForBlocks) ahead.emplace(inView, sizes, spec.slotsARow);
    if (spec.wanted.queries) dQueries = k.sumsTile(sizes.queries, shape.dQk);
    if (spec.wanted.keys) {
      queries = k.tile({sizes.queries, shape.dQk});
      dOut = k.tile({sizes.queries, shape.dV});
    }
    if (spec.wanted.keys && !kept) {
      // Of a pair of tiles, the gradients of keys are the last thing made: on a CPU they take the place of
      // keys and values, so that more stays in the first-level cache.
      bool canReplace = spec.ownsWholeSlice && !k.isForBlocks;
      dKeys = canReplace ? keyTile : k.tile({sizes.keys, shape.dQk});
      dValues = canReplace ? valueTile : k.tile({sizes.keys, shape.dV});
    }
  }

  void build() {
    int64_t heads = spec.view.getHeads().size();
    int64_t slices = spec.slicesShareKeys ? 1 : spec.slices, tiles = spec.ownsWholeSlice ? 1 : spec.tiles;
    k.forEachItem({shape.batch, slices, heads, tiles}, [&](ArrayRef<Value> at) {
      Value head = k.headAt(spec.view.getHeads(), at[2]), limit = k.apply(inView.view.slices, head);
      auto work = [&](Value slice) { meetSlice(at[0], head, slice, at[2], at[3]); };
      if (spec.slicesShareKeys)
        k.loop(k.index(0), limit, 1, [&](Value slice) { meetSlice(at[0], head, slice, at[2], at[3]); });
      else if (inView.view.slices.isConstant())
        work(at[1]);
      else
        k.when(k.less(at[1], limit), [&] { work(at[1]); });
    });
  }

private:
  void meetSlice(Value batch, Value head, Value slice, Value position, Value tile) {
    Value rows = inView.rows(head, slice), keys = inView.keys(head, slice);
    if (spec.ownsWholeSlice) {
      SliceTensor::Place place{batch, head, slice, keys};
      if (kept)
        kept->begin(inView, place, rows, input(kK), input(kV));
      else if (writesSlots() && !inView.view.rows.isConstant()) // else the only query tile does it
        k.when(k.less(rows, k.index(1)), [&] { clearKeys(batch, head, slice, k.index(0), keys); });
      if (ahead && inView.hasManySlices()) ahead->startSlice();
      k.loop(k.index(0), rows, sizes.queries, [&](Value row) {
        Rows tile{batch, head, slice, row, rows};
        if (ahead) ahead->enter(tile, position, k.apply(k.dim(0) + sizes.queries, row));
        meetQueryTile(tile, keys);
      });
      if (kept) kept->end(inView, place, gradient(1), gradient(2));
      if (clearsKeys()) clearKeys(batch, head, slice, slotsBefore(head, slice, rows, keys), keys);
    } else if (spec.wanted.queries) {
      Value row = k.apply((-k.dim(0) + (spec.tiles - 1)) * sizes.queries, tile); // the longest first
      k.when(k.less(row, rows), [&] { meetQueryTile({batch, head, slice, row, rows}, keys); });
    } else {
      Value slot = k.apply(k.dim(0) * sizes.keys, tile);
      k.when(k.less(slot, keys), [&] { meetKeyTile(batch, head, slice, slot, keys); });
    }
  }

  /// Whether slots are added to that hold nothing yet: they are cleared as a query tile first meets them,
  /// when they are about to be read anyway.
  bool clearsKeys() const {
    return spec.wanted.keys && spec.ownsWholeSlice && !spec.continues && !spec.meetsSlotsOnce() && !kept;
  }
  /// Or whether they are written, by the only query tile that meets them.
  bool writesSlots() const { return spec.wanted.keys && spec.meetsSlotsOnce() && !spec.continues && !kept; }

  /// Where the slots end that rows before `row` meet.
  Value slotsBefore(Value head, Value slice, Value row, Value keys) const {
    Value last = k.apply(k.dim(0) - 1, row);
    Value end = k.max(k.min(k.minOf(inView.view.keyHi, {head, slice, last}), keys), k.index(0));
    return arith::SelectOp::create(k.b, k.loc, k.less(k.index(0), row), end, k.index(0));
  }

  /// Slots [from, to) that no query tile has met yet.
  void clearKeys(Value batch, Value head, Value slice, Value from, Value to) {
    k.when(k.less(from, to), [&] {
      k.fill(dKeys, 0.0);
      k.fill(dValues, 0.0);
      k.loop(from, to, sizes.keys,
             [&](Value slot) { storeKeyGradients(batch, head, slice, slot, to, false); });
    });
  }

  /// All key tiles of a query tile; dQ is complete at the end, dK and dV are added to what is kept of the
  /// slice or to memory, or written if no other tile meets these slots.
  void meetQueryTile(const Rows &rows, Value keys) {
    loadQueries(rows);
    k.fill(dQueries, 0.0);
    ViewInKernel::Range range = inView.keySlots(rows, sizes.queries);
    if (writesSlots()) {
      Value from = k.min(range.from, keys);
      clearKeys(rows.batch, rows.head, rows.slice, k.index(0), from);
      clearKeys(rows.batch, rows.head, rows.slice, k.max(from, range.to), keys);
    }
    if (clearsKeys())
      clearKeys(rows.batch, rows.head, rows.slice, slotsBefore(rows.head, rows.slice, rows.row, keys),
                range.to);
    k.loop(range.from, range.to, sizes.keys, [&](Value slot) {
      if (ahead) ahead->step();
      if (kept)
        takeKept(slot);
      else
        loadKeys(rows.batch, rows.head, rows.slice, slot, range.to);
      scoreGradients(rows, slot, keys, range);
      k.addToSums(dQueries, grads, keyTile, sumExtents);
      if (!spec.wanted.keys) return;
      Product product{.accumulate = kept && !spec.meetsSlotsOnce()};
      k.matmul(dValues, scores, dOut, "row-inner", sumExtents, product);
      k.matmul(dKeys, grads, queries, "row-inner", sumExtents, product);
      if (!kept)
        storeKeyGradients(rows.batch, rows.head, rows.slice, slot, range.to, /*accumulate=*/!writesSlots());
    });
    if (kept && spec.meetsSlotsOnce()) kept->clearOthers(range, keys);
    SmallVector<Value> first{rows.head, rows.slice, rows.row};
    k.store(dQueries, gradient(0), rows.batch, k.channel(rows.head, shape.dQk), inView.view.query, first,
            rows.limit,
            {.transpose = k.isForBlocks,
             .accumulate = spec.continues,
             .pastCaches = spec.pastCaches,
             .factor = shape.scale});
  }

  /// All query tiles of a key tile: its dK and dV.
  void meetKeyTile(Value batch, Value head, Value slice, Value slot, Value keys) {
    loadKeys(batch, head, slice, slot, keys);
    k.fill(dKeys, 0.0);
    k.fill(dValues, 0.0);
    ViewInKernel::Range range = inView.queryRows(head, slice, slot, keys, sizes.keys);
    k.loop(range.from, range.to, sizes.queries, [&](Value row) {
      Rows rows{batch, head, slice, row, range.to};
      loadQueries(rows);
      scoreGradients(rows, slot, keys, range);
      k.matmul(dValues, scores, dOut, "row-inner", sumExtents, {.accumulate = true});
      k.matmul(dKeys, grads, queries, "row-inner", sumExtents, {.accumulate = true});
    });
    storeKeyGradients(batch, head, slice, slot, keys, spec.continues);
  }

  /// P in `scores` and dS in `grads`.
  void scoreGradients(const Rows &rows, Value slot, Value keys, const ViewInKernel::Range &range) {
    inView.findExtents(extents, rows, slot, keys, range, sizes.keys);
    if (!k.isForBlocks)
      inView.findExtents(sumExtents, rows, slot, keys, range, sizes.keys, kFineExtentQueries);
    if (ahead) ahead->askForSlots(input(kK), shape.dQk), ahead->askForRows(input(kQ), shape.dQk);
    k.matmul(scores, keyTile, queriesT, "row-column", extents, {});
    inView.mask(scores, extents, rows, slot, keys);
    if (ahead) ahead->askForSlots(input(kV), shape.dV), ahead->askForRows(input(kDOut), shape.dV);
    if (ahead && spec.delta != DeltaSource::Given) ahead->askForRows(input(kDelta), shape.dV);
    k.matmul(grads, valueTile, dOutT, "row-column", extents, {});
    TileSoftmaxGradOp::create(k.b, k.loc, scores, grads, lse, delta, extents);
  }

  void loadQueries(const Rows &rows) {
    SmallVector<Value> first{rows.head, rows.slice, rows.row};
    Value queryChannel = k.channel(rows.head, shape.dQk), outChannel = k.channel(rows.head, shape.dV);
    AffineMap position = inView.view.query;
    k.load(dOutT, input(kDOut), rows.batch, outChannel, position, first, rows.limit, {.transpose = true});
    k.load(lse, input(kLse), rows.batch, rows.head, position, first, rows.limit);
    if (spec.delta == DeltaSource::Given) {
      k.load(delta, input(kDelta), rows.batch, rows.head, position, first, rows.limit);
    } else {
      k.load(outT, input(kDelta), rows.batch, outChannel, position, first, rows.limit, {.transpose = true});
      TileDotOp::create(k.b, k.loc, delta, dOutT, outT);
    }
    if (spec.delta == DeltaSource::MadeAndKept)
      k.store(delta, gradient(3), rows.batch, rows.head, position, first, rows.limit);
    k.load(queriesT, input(kQ), rows.batch, queryChannel, position, first, rows.limit,
           {.transpose = true, .factor = shape.scale * kLog2E});
    if (!spec.wanted.keys) return;
    k.load(queries, input(kQ), rows.batch, queryChannel, position, first, rows.limit,
           {.factor = shape.scale});
    k.load(dOut, input(kDOut), rows.batch, outChannel, position, first, rows.limit);
  }

  void loadKeys(Value batch, Value head, Value slice, Value slot, Value limit) {
    SmallVector<Value> first{head, slice, slot};
    k.load(keyTile, input(kK), batch, k.channel(head, shape.dQk), inView.view.key, first, limit);
    k.load(valueTile, input(kV), batch, k.channel(head, shape.dV), inView.view.key, first, limit);
  }

  void storeKeyGradients(Value batch, Value head, Value slice, Value slot, Value limit, bool accumulate) {
    SmallVector<Value> first{head, slice, slot};
    int number = spec.wanted.queries ? 1 : 0;
    k.store(dKeys, gradient(number), batch, k.channel(head, shape.dQk), inView.view.key, first, limit,
            {.accumulate = accumulate});
    k.store(dValues, gradient(number + 1), batch, k.channel(head, shape.dV), inView.view.key, first, limit,
            {.accumulate = accumulate});
  }

  /// Keys, values and their gradients of a slice, from its first query tile to its last.
  struct KeptSlice {
    KeptSlice(const TileKernel &k, const Backward &spec)
        : k(k), spec(spec), keys(make(spec.shape.dQk)), values(make(spec.shape.dV)),
          dKeys(spec.meetsSlotsOnce() ? keys : make(spec.shape.dQk)),
          dValues(spec.meetsSlotsOnce() ? values : make(spec.shape.dV)) {}

    void begin(const ViewInKernel &view, const SliceTensor::Place &place, Value rows, Value keyMemory,
               Value valueMemory) const {
      keys.load(view, place, keyMemory);
      values.load(view, place, valueMemory);
      auto clear = [&] { dKeys.clear(), dValues.clear(); };
      if (!spec.meetsSlotsOnce())
        clear();
      else if (!view.view.rows.isConstant()) // else the only query tile does it
        k.when(k.less(rows, k.index(1)), clear);
    }
    /// The slots that the only query tile does not meet.
    void clearOthers(const ViewInKernel::Range &met, Value slots) const {
      Value from = k.min(met.from, slots), to = k.max(from, met.to);
      for (const SliceTensor *gradient : {&dKeys, &dValues}) {
        gradient->clear(k.index(0), from);
        gradient->clear(to, slots);
      }
    }
    void end(const ViewInKernel &view, const SliceTensor::Place &place, Value dKeyMemory,
             Value dValueMemory) const {
      Written written{.accumulate = spec.continues, .pastCaches = spec.pastCaches};
      dKeys.store(view, place, dKeyMemory, written);
      dValues.store(view, place, dValueMemory, written);
    }

    SliceTensor make(int64_t channels) const { return {k, spec.keptSlots, spec.sizes.keys, channels}; }
    const TileKernel &k;
    const Backward &spec;
    // Of a slice that one query tile meets, gradients take the place of keys and values, tile by tile: they
    // are the last thing made, and more stays in the first-level cache.
    SliceTensor keys, values, dKeys, dValues;
  };
  void takeKept(Value slot) {
    keyTile = kept->keys.tile(slot), valueTile = kept->values.tile(slot);
    dKeys = kept->dKeys.tile(slot), dValues = kept->dValues.tile(slot);
  }

  Value input(BackwardInput i) const { return k.kernel.memref(i); }
  Value gradient(int number) const { return k.kernel.memref(kFirstGrad + number); }

  const Backward &spec;
  const Shape &shape;
  TileSizes sizes;
  const TileKernel &k;
  ViewInKernel inView;
  std::optional<LookAhead> ahead;
  std::optional<KeptSlice> kept;
  Value queriesT, dOutT, outT, lse, delta, keyTile, valueTile, scores, grads, extents;
  Value sumExtents;                    // of products that add to gradients
  Value dQueries;                      // if queries are wanted
  Value queries, dOut, dKeys, dValues; // if keys are wanted
};

} // namespace

void buildBackward(const Backward &spec, const TileKernel &k) { BackwardKernel(spec, k).build(); }

} // namespace drawloom::attention
