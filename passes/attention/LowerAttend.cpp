// attend: a work item is a query tile; it runs the online softmax over the view's keys and writes its rows.
#include "passes/attention/LookAhead.h"
#include "passes/attention/Lowering.h"
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

  void build(const TileKernel &k) const {
    ViewInKernel inView(k, view, shape.n);
    ForwardTile tile(k, shape, sizes);
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
            /*transpose=*/k.isForBlocks);
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
  Forward forward{shape,
                  sizes,
                  view,
                  facts.slices,
                  int64_t(llvm::divideCeil(facts.rows, sizes.queries)),
                  bool(op.getOut0()),
                  context.options.isGpu() || facts.slices > 1 ? 1 : headsTogether(toView(view), shape, sizes),
                  facts.slotsARow()};

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
  spec.key = describe(shape, sizes) + (forward.continues ? "continues," : "starts,") + print(view);
  auto made = launch(context, b, op, spec, [&](const TileKernel &k) { forward.build(k); });
  if (failed(made)) return failure();
  op.replaceAllUsesWith(*made);
  op.erase();
  return success();
}

} // namespace drawloom::attention
