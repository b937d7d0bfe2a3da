// attend_grad: from a pair of tiles' scores S and dP, the gradients dV += P dO, dK += dS Q, dQ += dS K. Who owns what is in Passes.td.
#include "passes/attention/Lowering.h"
#include "passes/attention/gpu/LowerBackward.h"
#include "passes/memory/Layout.h"

using namespace mlir;

namespace drawloom::attention {
namespace {

enum Input { kDOut, kQ, kK, kV, kLse, kDelta, kFirstGrad };

/// Which gradients a kernel computes.
struct Wanted {
  bool queries, keys;
};

struct Backward {
  Shape shape;
  TileSizes sizes;
  ViewAttr view;
  Wanted wanted;
  bool continues;      ///< adds to what the gradients hold
  int64_t slices;      ///< the most that a head has
  int64_t tiles;       ///< of queries (or, if only keys are wanted, keys) in a slice: the most
  bool ownsWholeSlice; ///< an item is all tiles of a slice; else a tile
  bool slicesShareKeys;///< then an item is all slices of a head

  int64_t items() const {
    int64_t heads = shape.batch * int64_t(view.getHeads().size());
    return heads * (slicesShareKeys ? 1 : slices) * (ownsWholeSlice ? 1 : tiles);
  }
  std::string describeVariant() const {
    std::string text;
    llvm::raw_string_ostream(text) << wanted.queries << wanted.keys << continues << ownsWholeSlice << slicesShareKeys << ",";
    return text;
  }
};

class BackwardKernel {
public:
  BackwardKernel(const Backward &spec, const TileKernel &k)
      : spec(spec), shape(spec.shape), sizes(spec.sizes), k(k), inView(k, spec.view, spec.shape.n) {
    queriesT = k.tile({shape.dQk, sizes.queries});
    dOutT = k.tile({shape.dV, sizes.queries});
    lse = k.tile({sizes.queries});
    delta = k.tile({sizes.queries});
    keyTile = k.tile({sizes.keys, shape.dQk});
    valueTile = k.tile({sizes.keys, shape.dV});
    scores = k.tile({sizes.keys, sizes.queries});
    grads = k.tile({sizes.keys, sizes.queries});
    extents = k.extentsFor(sizes.queries);
    if (spec.wanted.queries)
      dQueriesT = k.tile({shape.dQk, sizes.queries});
    if (spec.wanted.keys) {
      queries = k.tile({sizes.queries, shape.dQk});
      dOut = k.tile({sizes.queries, shape.dV});
      dKeys = k.tile({sizes.keys, shape.dQk});
      dValues = k.tile({sizes.keys, shape.dV});
    }
  }

  void build() {
    int64_t heads = spec.view.getHeads().size();
    int64_t slices = spec.slicesShareKeys ? 1 : spec.slices, tiles = spec.ownsWholeSlice ? 1 : spec.tiles;
    k.forEachItem({shape.batch, slices, heads, tiles}, [&](ArrayRef<Value> at) {
      Value head = k.headAt(spec.view.getHeads(), at[2]), limit = k.apply(inView.view.slices, head);
      auto work = [&](Value slice) { meetSlice(at[0], head, slice, at[3]); };
      if (spec.slicesShareKeys)
        k.loop(k.index(0), limit, 1, work);
      else if (inView.view.slices.isConstant())
        work(at[1]);
      else
        k.when(k.less(at[1], limit), [&] { work(at[1]); });
    });
  }

private:
  void meetSlice(Value batch, Value head, Value slice, Value tile) {
    Value rows = inView.rows(head, slice), keys = inView.keys(head, slice);
    if (spec.ownsWholeSlice) {
      if (!spec.continues)
        clearKeys(batch, head, slice, keys);
      k.loop(k.index(0), rows, sizes.queries, [&](Value row) { meetQueryTile({batch, head, slice, row, rows}, keys); });
    } else if (spec.wanted.queries) {
      Value row = k.apply((-k.dim(0) + (spec.tiles - 1)) * sizes.queries, tile); // the longest first
      k.when(k.less(row, rows), [&] { meetQueryTile({batch, head, slice, row, rows}, keys); });
    } else {
      Value slot = k.apply(k.dim(0) * sizes.keys, tile);
      k.when(k.less(slot, keys), [&] { meetKeyTile(batch, head, slice, slot, keys); });
    }
  }

  void clearKeys(Value batch, Value head, Value slice, Value keys) {
    k.fill(dKeys, 0.0);
    k.fill(dValues, 0.0);
    k.loop(k.index(0), keys, sizes.keys, [&](Value slot) { storeKeyGradients(batch, head, slice, slot, keys, false); });
  }

  /// All key tiles of a query tile; dQ is complete at the end, dK and dV are added to memory.
  void meetQueryTile(const Rows &rows, Value keys) {
    loadQueries(rows);
    k.fill(dQueriesT, 0.0);
    ViewInKernel::Range range = inView.keySlots(rows, sizes.queries);
    k.loop(range.from, range.to, sizes.keys, [&](Value slot) {
      loadKeys(rows.batch, rows.head, rows.slice, slot, range.to);
      scoreGradients(rows, slot, keys, range);
      k.matmul(dQueriesT, keyTile, grads, "inner-column", extents, {.transposeA = true, .accumulate = true});
      if (!spec.wanted.keys)
        return;
      k.matmul(dValues, scores, dOut, "row-inner", extents, {});
      k.matmul(dKeys, grads, queries, "row-inner", extents, {});
      storeKeyGradients(rows.batch, rows.head, rows.slice, slot, range.to, /*accumulate=*/true);
    });
    SmallVector<Value> first{rows.head, rows.slice, rows.row};
    k.store(dQueriesT, gradient(0), rows.batch, k.channel(rows.head, shape.dQk), inView.view.query, first, rows.limit,
            /*transpose=*/true, /*accumulate=*/spec.continues, shape.scale);
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
      k.matmul(dValues, scores, dOut, "row-inner", extents, {.accumulate = true});
      k.matmul(dKeys, grads, queries, "row-inner", extents, {.accumulate = true});
    });
    storeKeyGradients(batch, head, slice, slot, keys, spec.continues);
  }

  /// P in `scores` and dS in `grads`.
  void scoreGradients(const Rows &rows, Value slot, Value keys, const ViewInKernel::Range &range) {
    inView.findExtents(extents, rows, slot, keys, range, sizes.keys);
    k.matmul(scores, keyTile, queriesT, "row-column", extents, {});
    inView.mask(scores, extents, rows, slot, keys);
    k.matmul(grads, valueTile, dOutT, "row-column", extents, {});
    TileSoftmaxGradOp::create(k.b, k.loc, scores, grads, lse, delta, extents);
  }

  void loadQueries(const Rows &rows) {
    SmallVector<Value> first{rows.head, rows.slice, rows.row};
    Value queryChannel = k.channel(rows.head, shape.dQk), outChannel = k.channel(rows.head, shape.dV);
    AffineMap position = inView.view.query;
    k.load(queriesT, input(kQ), rows.batch, queryChannel, position, first, rows.limit,
           {.transpose = true, .factor = shape.scale * kLog2E, .prefetchChannels = inView.nextHead(shape.dQk)});
    k.load(dOutT, input(kDOut), rows.batch, outChannel, position, first, rows.limit,
           {.transpose = true, .prefetchChannels = inView.nextHead(shape.dV)});
    k.load(lse, input(kLse), rows.batch, rows.head, position, first, rows.limit);
    k.load(delta, input(kDelta), rows.batch, rows.head, position, first, rows.limit);
    if (!spec.wanted.keys)
      return;
    k.load(queries, input(kQ), rows.batch, queryChannel, position, first, rows.limit, {.factor = shape.scale});
    k.load(dOut, input(kDOut), rows.batch, outChannel, position, first, rows.limit);
  }

  void loadKeys(Value batch, Value head, Value slice, Value slot, Value limit) {
    SmallVector<Value> first{head, slice, slot};
    k.load(keyTile, input(kK), batch, k.channel(head, shape.dQk), inView.view.key, first, limit,
           {.prefetchChannels = inView.nextHead(shape.dQk)});
    k.load(valueTile, input(kV), batch, k.channel(head, shape.dV), inView.view.key, first, limit,
           {.prefetchChannels = inView.nextHead(shape.dV)});
  }

  void storeKeyGradients(Value batch, Value head, Value slice, Value slot, Value limit, bool accumulate) {
    SmallVector<Value> first{head, slice, slot};
    int number = spec.wanted.queries ? 1 : 0;
    k.store(dKeys, gradient(number), batch, k.channel(head, shape.dQk), inView.view.key, first, limit, false, accumulate);
    k.store(dValues, gradient(number + 1), batch, k.channel(head, shape.dV), inView.view.key, first, limit, false, accumulate);
  }

  Value input(Input i) const { return k.kernel.memref(i); }
  Value gradient(int number) const { return k.kernel.memref(kFirstGrad + number); }

  const Backward &spec;
  const Shape &shape;
  TileSizes sizes;
  const TileKernel &k;
  ViewInKernel inView;
  Value queriesT, dOutT, lse, delta, keyTile, valueTile, scores, grads, extents;
  Value dQueriesT;                    // if queries are wanted
  Value queries, dOut, dKeys, dValues; // if keys are wanted
};

/// The gradients of an op: what they start from (null: nothing) and become.
struct Gradient {
  Value before, result;
};

FailureOr<SmallVector<Value>> launchBackward(Context &context, AttendGradOp op, const Backward &spec,
                                             ArrayRef<Gradient> gradients, int64_t pairs, const char *name) {
  OpBuilder b(op);
  LaunchSpec launchSpec;
  launchSpec.name = name;
  launchSpec.inputs = {op.getDout(), op.getQ(), op.getK(), op.getV(), op.getLse(), op.getDelta()};
  for (Value v : launchSpec.inputs)
    launchSpec.memrefs.push_back(kernelMemRefType(v));
  SmallVector<Value> touched = launchSpec.inputs;
  for (const Gradient &g : gradients) {
    launchSpec.inplace.push_back(g.before ? int64_t(launchSpec.inputs.size()) : -1);
    if (g.before)
      launchSpec.inputs.push_back(g.before);
    launchSpec.memrefs.push_back(kernelMemRefType(g.result));
    launchSpec.results.push_back(g.result.getType());
    touched.push_back(g.result);
  }
  const Shape &shape = spec.shape;
  int64_t channels = shape.dQk + shape.dV; // scores and dP
  channels += spec.wanted.queries ? shape.dQk : 0;
  channels += spec.wanted.keys ? shape.dQk + shape.dV : 0;
  launchSpec.flops = 2 * channels * pairs * shape.batch;
  launchSpec.bytes = bytesOf(touched, spec.view.getHeads().size(), shape.heads);
  launchSpec.grid = spec.items();
  launchSpec.key = describe(shape, spec.sizes) + spec.describeVariant() + print(spec.view);
  auto made = launch(context, b, op, launchSpec, [&](const TileKernel &k) { BackwardKernel(spec, k).build(); });
  if (failed(made))
    return failure();
  return SmallVector<Value>((*made)->getResults());
}

/// Whether five products a tile, but fewer work items, are better than seven.
bool isOneKernelBest(Context &context, const Backward &all, double cost) {
  constexpr int64_t kFewestOnCpu = 4;
  if (int64_t least = context.options.minItems)
    return all.items() >= least;
  if (!context.options.isGpu())
    return all.items() >= kFewestOnCpu;
  auto costOf = [&](BlockKernel kernel) { return context.tiles(all.view, all.shape, kernel).cost; };
  return cost <= costOf(BlockKernel::QueryGradients) + costOf(BlockKernel::KeyGradients);
}

} // namespace

/// Of a piece without pairs: the gradients that it adds nothing to.
static void passThrough(AttendGradOp op) {
  OpBuilder b(op);
  for (auto [before, result] : {std::pair(op.getDq0(), op.getDq()), {op.getDk0(), op.getDk()}, {op.getDv0(), op.getDv()}})
    result.replaceAllUsesWith(before ? before : filled(b, op.getLoc(), result.getType(), 0.0));
  eraseWithDelta(op);
}

LogicalResult lower(AttendGradOp op, Context &context) {
  OpBuilder b(op);
  Shape shape = shapeOf(op.getQ(), op.getV(), op.getHeads(), op.getScale().convertToDouble());
  ViewAttr view = op.getView();
  ViewFacts facts = context.factsOf(view, shape);
  if (facts.pairs == 0) return passThrough(op), success();
  if (hasWarpKernels(op, context)) return lowerToWarps(op, context);
  if (failed(lowerDeltaOf(op, context))) return failure();
  BlockTiles together = context.tiles(view, shape, BlockKernel::AllGradients);
  SmallVector<Gradient> gradients{{op.getDq0(), op.getDq()}, {op.getDk0(), op.getDk()}, {op.getDv0(), op.getDv()}};
  if (!op.getDq0() && !(facts.coversRows && facts.coversKeys))
    for (Gradient &g : gradients)
      g.before = filled(b, op.getLoc(), g.result.getType(), 0.0);
  Backward all{shape, together.sizes, view, {true, true}, bool(gradients[0].before), facts.slices,
               int64_t(llvm::divideCeil(facts.rows, together.sizes.queries)), true, !facts.keysAreDisjoint};

  SmallVector<Value> results;
  if (all.slicesShareKeys || isOneKernelBest(context, all, together.cost)) {
    auto made = launchBackward(context, op, all, gradients, facts.pairs, "attend_grad");
    if (failed(made))
      return failure();
    results = *made;
  } else {
    Backward byQueries = all, byKeys = all;
    byQueries.ownsWholeSlice = byKeys.ownsWholeSlice = false;
    byQueries.wanted = {true, false};
    byKeys.wanted = {false, true};
    byQueries.sizes = context.tiles(view, shape, BlockKernel::QueryGradients).sizes;
    byKeys.sizes = context.tiles(view, shape, BlockKernel::KeyGradients).sizes;
    byQueries.tiles = llvm::divideCeil(facts.rows, byQueries.sizes.queries);
    byKeys.tiles = llvm::divideCeil(facts.keys, byKeys.sizes.keys);
    ArrayRef<Gradient> each = gradients;
    auto ofQueries = launchBackward(context, op, byQueries, each.take_front(1), facts.pairs, "attend_grad_q");
    auto ofKeys = launchBackward(context, op, byKeys, each.drop_front(1), facts.pairs, "attend_grad_kv");
    if (failed(ofQueries) || failed(ofKeys))
      return failure();
    results = *ofQueries;
    results.append(*ofKeys);
  }
  op.replaceAllUsesWith(results);
  op.erase();
  return success();
}

} // namespace drawloom::attention
