// attend: a work item is a query tile; it runs the online softmax over the view's keys and writes its rows.
#include "passes/attention/LookAhead.h"
#include "passes/attention/Lowering.h"
#include "passes/attention/SliceTensor.h"
#include "passes/attention/gpu/LowerForward.h"
#include "passes/memory/Layout.h"

using namespace mlir;

namespace drawloom::attention {
namespace {

enum Argument { kQ, kK, kV, kOut, kLse }; // out and lse stand there whether they are tied or not

struct Forward {
  Shape shape;
  TileSizes sizes;
  ViewAttr view;
  int64_t slices, tiles; ///< of a head, of a slice: the most
  bool continues;        ///< from what out and lse hold
  int64_t headsTogether; ///< that go through the tiles of a slice side by side
  double slotsARow;
  int64_t keptSlots;       ///< of a slice, whose keys and values stay for all its tiles; 0: they do not
  bool pastCaches = false; ///< goes the result

  void build(const TileKernel &k) const {
    ViewInKernel inView(k, view, shape.n);
    std::optional<KeptSlice> kept;
    if (keptSlots) kept.emplace(k, *this);
    ForwardTile tile(k, shape, sizes, kept ? std::optional(kept->tensors()) : std::nullopt);
    auto arg = [&](Argument a) { return k.kernel.memref(a); };
    std::optional<LookAhead> ahead;
    if (!k.isForBlocks) ahead.emplace(inView, sizes, slotsARow);
    // Neighbouring heads lie side by side in memory, so they follow one another.
    int64_t groups = int64_t(view.getHeads().size()) / headsTogether;
    k.forEachItem({shape.batch, slices, groups, tiles, headsTogether}, [&](ArrayRef<Value> at) {
      Value position = k.apply(k.dim(0) * headsTogether + k.dim(1), {at[2], at[4]});
      Value slice = at[1], head = k.headAt(view.getHeads(), position);
      // The last rows have the most keys to meet: they come first.
      Value row = k.apply((-k.dim(0) + (tiles - 1)) * sizes.queries, at[3]);
      auto work = [&] {
        Rows rows{at[0], head, slice, row, inView.rows(head, slice)};
        if (ahead && inView.hasManySlices()) k.when(k.less(at[3], k.index(1)), [&] { ahead->startSlice(); });
        if (kept) kept->enter(inView, rows, at[3], arg(kK), arg(kV));
        k.when(k.less(row, rows.limit), [&] {
          if (ahead) ahead->enter(rows, position, k.apply(k.dim(0) - sizes.queries, row));
          meetRows(k, inView, tile, rows, arg, ahead ? &*ahead : nullptr);
        });
      };
      if (inView.view.slices.isConstant())
        work();
      else
        k.when(k.less(slice, k.apply(inView.view.slices, head)), work);
    });
  }

private:
  /// A slice that stays from its first tile to its last.
  struct KeptSlice {
    KeptSlice(const TileKernel &k, const Forward &f)
        : k(k), keys(k, f.keptSlots, f.sizes.keys, f.shape.dQk),
          values(k, f.keptSlots, f.sizes.keys, f.shape.dV),
          isThere(k.scratch(MemRefType::get({1}, k.b.getI1Type()))) {
      note(false); // a thread's first item may be in the middle of a slice
    }
    ForwardTile::Slice tensors() const { return {keys, values}; }

    /// Its `tile`th item begins.
    void enter(const ViewInKernel &view, const Rows &rows, Value tile, Value keyMemory,
               Value valueMemory) const {
      k.when(k.less(tile, k.index(1)), [&] { note(false); });
      Value found = memref::LoadOp::create(k.b, k.loc, isThere, ValueRange{k.index(0)});
      Value isMissing = arith::XOrIOp::create(k.b, k.loc, found, truth(true));
      k.when(isMissing, [&] {
        SliceTensor::Place place{rows.batch, rows.head, rows.slice, view.keys(rows.head, rows.slice)};
        keys.load(view, place, keyMemory);
        values.load(view, place, valueMemory);
        note(true);
      });
    }

  private:
    Value truth(bool x) const { return arith::ConstantOp::create(k.b, k.loc, k.b.getBoolAttr(x)); }
    void note(bool x) const {
      memref::StoreOp::create(k.b, k.loc, truth(x), isThere, ValueRange{k.index(0)});
    }
    const TileKernel &k;
    SliceTensor keys, values;
    Value isThere;
  };

  void meetRows(const TileKernel &k, const ViewInKernel &inView, const ForwardTile &tile, const Rows &rows,
                llvm::function_ref<Value(Argument)> arg, LookAhead *ahead) const {
    Value queryChannel = k.channel(rows.head, shape.dQk), outChannel = k.channel(rows.head, shape.dV);
    SmallVector<Value> first{rows.head, rows.slice, rows.row};
    AffineMap position = inView.view.query;
    k.load(tile.queries, arg(kQ), rows.batch, queryChannel, position, first, rows.limit,
           {.transpose = true, .factor = tile.queryFactor()});
    if (continues) {
      k.load(tile.m, arg(kLse), rows.batch, rows.head, position, first, rows.limit, {.factor = kLog2E});
      k.fill(tile.l, 1.0);
      k.load(tile.acc, arg(kOut), rows.batch, outChannel, position, first, rows.limit,
             {.transpose = k.isForBlocks});
    } else {
      tile.start();
    }
    tile.meetKeys(inView, rows, {arg(kQ), arg(kK), arg(kV)}, ahead);
    tile.finish();
    k.store(tile.acc, arg(kOut), rows.batch, outChannel, position, first, rows.limit,
            {.transpose = k.isForBlocks, .pastCaches = pastCaches});
    k.store(tile.m, arg(kLse), rows.batch, rows.head, position, first, rows.limit);
  }
};

/// As many neighbouring heads as have what their query tiles meet in the second-level cache: they use whole
/// rows of memory one after the other, and each finds the keys of its last tile again.
int64_t headsTogether(const PieceView &view, const Shape &shape, TileSizes sizes) {
  constexpr double kKeptBytes = 512 << 10;
  double tilesARow = sampleRow(view, sizes, [](const Met &met) { return met.tiles; });
  double met = tilesARow * double(sizes.queries * sizes.keys);
  double bytes = (met + double(sizes.queries)) * double((shape.dQk + shape.dV) * sizeof(float));
  int64_t heads = int64_t(view.heads.size()), together = heads;
  while (heads % together != 0 || (together > 1 && double(together) * bytes > kKeptBytes)) --together;
  return together;
}

} // namespace

/// Of a piece without pairs: what it continues, or a softmax over nothing.
static void passThrough(AttendOp op) {
  OpBuilder b(op);
  Value out = op.getOut0(), lse = op.getLse0();
  if (!out) {
    out = filled(b, op.getLoc(), op.getOut().getType(), 0.0);
    lse = filled(b, op.getLoc(), op.getLse().getType(), -std::numeric_limits<double>::infinity());
  }
  op.replaceAllUsesWith(ValueRange{out, lse});
  op.erase();
}

LogicalResult lower(AttendOp op, Context &context) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  Shape shape = shapeOf(op.getQ(), op.getV(), op.getHeads(), op.getScale().convertToDouble());
  ViewAttr view = op.getView();
  ViewFacts facts = context.factsOf(view, shape);
  if (facts.pairs == 0) return passThrough(op), success();
  if (hasWarpKernels(op, context)) return lowerToWarps(op, context);
  TileSizes sizes = context.tiles(view, shape, BlockKernel::Forward).sizes;
  bool keepsSlices =
      !context.options.isGpu() && facts.slices > 1 && SliceTensor::fits(facts.keys, shape.dQk + shape.dV);
  Forward forward{shape,
                  sizes,
                  view,
                  facts.slices,
                  int64_t(llvm::divideCeil(facts.rows, sizes.queries)),
                  bool(op.getOut0()),
                  context.options.isGpu() || facts.slices > 1 ? 1 : headsTogether(toView(view), shape, sizes),
                  facts.slotsARow(),
                  keepsSlices ? facts.keys : 0};

  LaunchSpec spec;
  spec.name = "attend";
  spec.inputs = {op.getQ(), op.getK(), op.getV()};
  Value out0 = op.getOut0(), lse0 = op.getLse0();
  if (!out0 && !facts.coversRows) {
    out0 = filled(b, loc, op.getOut().getType(), 0.0);
    lse0 = filled(b, loc, op.getLse().getType(), -std::numeric_limits<double>::infinity());
  }
  if (out0) spec.inputs.append({out0, lse0});
  spec.inplace = out0 ? SmallVector<int64_t>{kOut, kLse} : SmallVector<int64_t>{-1, -1};
  spec.results = {op.getOut().getType(), op.getLse().getType()};
  for (Value v : {op.getQ(), op.getK(), op.getV(), op.getOut(), op.getLse()})
    spec.memrefs.push_back(kernelMemRefType(v));
  spec.grid = shape.batch * int64_t(view.getHeads().size()) * forward.slices * forward.tiles;
  spec.flops = 2 * (shape.dQk + shape.dV) * facts.pairs * shape.batch;
  spec.bytes = bytesOf({op.getQ(), op.getK(), op.getV(), op.getOut(), op.getLse()}, view.getHeads().size(),
                       shape.heads);
  // What is continued from is in the caches already.
  forward.pastCaches = !forward.continues && goPastCaches(context, spec.bytes, op->getResults());
  spec.key = describe(shape, sizes) + (forward.continues ? "continues," : "starts,") +
             (forward.pastCaches ? "past caches," : "") + print(view);
  auto made = launch(context, b, op, spec, [&](const TileKernel &k) { forward.build(k); });
  if (failed(made)) return failure();
  op.replaceAllUsesWith(*made);
  op.erase();
  return success();
}

} // namespace drawloom::attention
