// attend: a work item is a query tile; it runs the online softmax over the view's keys and writes its rows.
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

  void build(const TileKernel &k) const {
    ViewInKernel inView(k, view, shape.n);
    ForwardTile tile(k, shape, sizes);
    auto arg = [&](Argument a) { return k.kernel.memref(a); };
    // Neighbouring heads lie side by side in memory, so they follow one another.
    k.forEachItem({shape.batch, slices, int64_t(view.getHeads().size()), tiles}, [&](ArrayRef<Value> at) {
      Value slice = at[1], head = k.headAt(view.getHeads(), at[2]);
      // The last rows have the most keys to meet: they come first.
      Value row = k.apply((-k.dim(0) + (tiles - 1)) * sizes.queries, at[3]);
      auto work = [&] {
        Rows rows{at[0], head, slice, row, inView.rows(head, slice), inView.after(slice, at[2])};
        k.when(k.less(row, rows.limit), [&] { meetRows(k, inView, tile, rows, arg); });
      };
      if (inView.view.slices.isConstant())
        work();
      else
        k.when(k.less(slice, k.apply(inView.view.slices, head)), work);
    });
  }

private:
  void meetRows(const TileKernel &k, const ViewInKernel &inView, const ForwardTile &tile, const Rows &rows,
                llvm::function_ref<Value(Argument)> arg) const {
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
    tile.meetKeys(inView, rows, arg(kK), arg(kV), arg(kQ), arg(kOut));
    tile.finish();
    k.store(tile.acc, arg(kOut), rows.batch, outChannel, position, first, rows.limit,
            /*transpose=*/k.isForBlocks);
    k.store(tile.m, arg(kLse), rows.batch, rows.head, position, first, rows.limit);
  }
};

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
                  bool(op.getOut0())};

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
