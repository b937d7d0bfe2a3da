// attend_grad: which kernels make the gradients. Who owns what is in Passes.td.
#include "passes/attention/BackwardKernel.h"
#include "passes/attention/Lowering.h"
#include "passes/attention/SliceTensor.h"
#include "passes/attention/gpu/LowerBackward.h"
#include "passes/memory/Layout.h"

using namespace mlir;

namespace drawloom::attention {
namespace {

/// The gradients of an op: what they start from (null: nothing) and become.
struct Gradient {
  Value before, result;
};

FailureOr<SmallVector<Value>> launchBackward(Context &context, AttendGradOp op, Backward spec,
                                             ArrayRef<Gradient> gradients, int64_t pairs, const char *name) {
  OpBuilder b(op);
  LaunchSpec launchSpec;
  launchSpec.name = name;
  launchSpec.inputs = {op.getDout(), op.getQ(), op.getK(), op.getV(), op.getLse(), op.getDelta()};
  if (spec.delta != DeltaSource::Given)
    launchSpec.inputs[kDelta] = op.getDelta().getDefiningOp<AttentionDeltaOp>().getOut();
  for (Value v : launchSpec.inputs) launchSpec.memrefs.push_back(kernelMemRefType(v));
  SmallVector<Value> touched = launchSpec.inputs;
  for (const Gradient &g : gradients) {
    launchSpec.inplace.push_back(g.before ? int64_t(launchSpec.inputs.size()) : -1);
    if (g.before) launchSpec.inputs.push_back(g.before);
    launchSpec.memrefs.push_back(kernelMemRefType(g.result));
    launchSpec.results.push_back(g.result.getType());
    touched.push_back(g.result);
  }
  if (spec.delta == DeltaSource::MadeAndKept) {
    launchSpec.inplace.push_back(-1);
    launchSpec.memrefs.push_back(kernelMemRefType(op.getDelta()));
    launchSpec.results.push_back(op.getDelta().getType());
    touched.push_back(op.getDelta());
  }
  const Shape &shape = spec.shape;
  int64_t channels = shape.dQk + shape.dV; // scores and dP
  channels += spec.wanted.queries ? shape.dQk : 0;
  channels += spec.wanted.keys ? shape.dQk + shape.dV : 0;
  launchSpec.flops = 2 * channels * pairs * shape.batch;
  launchSpec.bytes = bytesOf(touched, spec.view.getHeads().size(), shape.heads);
  spec.pastCaches = goPastCaches(context, launchSpec.bytes, op->getResults());
  launchSpec.grid = spec.items();
  launchSpec.key = describe(shape, spec.sizes) + spec.describeVariant() + print(spec.view);
  auto made = launch(context, b, op, launchSpec, [&](const TileKernel &k) { buildBackward(spec, k); });
  if (failed(made)) return failure();
  return SmallVector<Value>((*made)->getResults());
}

/// Whether five products a tile, but fewer work items, are better than seven.
bool isOneKernelBest(Context &context, const Backward &all, double cost) {
  constexpr int64_t kFewestOnCpu = 4;
  if (int64_t least = context.options.minItems) return all.items() >= least;
  if (!context.options.isGpu()) return all.items() >= kFewestOnCpu;
  auto costOf = [&](BlockKernel kernel) { return context.tiles(all.view, all.shape, kernel).cost; };
  return cost <= costOf(BlockKernel::QueryGradients) + costOf(BlockKernel::KeyGradients);
}

} // namespace

/// Of a piece without pairs: the gradients that it adds nothing to.
static void passThrough(AttendGradOp op) {
  OpBuilder b(op);
  for (auto [before, result] :
       {std::pair(op.getDq0(), op.getDq()), {op.getDk0(), op.getDk()}, {op.getDv0(), op.getDv()}})
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
  BlockTiles together = context.tiles(view, shape, BlockKernel::AllGradients);
  SmallVector<Gradient> gradients{
      {op.getDq0(), op.getDq()}, {op.getDk0(), op.getDk()}, {op.getDv0(), op.getDv()}};
  if (!op.getDq0() && !(facts.coversRows && facts.coversKeys))
    for (Gradient &g : gradients) g.before = filled(b, op.getLoc(), g.result.getType(), 0.0);
  Backward all{shape,
               together.sizes,
               view,
               {true, true},
               bool(gradients[0].before),
               facts.slices,
               int64_t(llvm::divideCeil(facts.rows, together.sizes.queries)),
               true,
               !facts.keysAreDisjoint,
               facts.slotsARow()};

  SmallVector<Value> results;
  if (all.slicesShareKeys || isOneKernelBest(context, all, together.cost)) {
    if (!context.options.isGpu() && !all.slicesShareKeys &&
        SliceTensor::fits(facts.keys, 2 * (shape.dQk + shape.dV)))
      all.keptSlots = facts.keys;
    if (!context.options.isGpu()) all.delta = deltaSource(op, facts.coversRows);
    if (all.delta == DeltaSource::Given && failed(lowerDeltaOf(op, context))) return failure();
    auto made = launchBackward(context, op, all, gradients, facts.pairs, "attend_grad");
    if (failed(made)) return failure();
    results = *made;
    if (all.delta == DeltaSource::MadeAndKept) op.getDelta().replaceAllUsesExcept(results.pop_back_val(), op);
  } else {
    if (failed(lowerDeltaOf(op, context))) return failure();
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
    if (failed(ofQueries) || failed(ofKeys)) return failure();
    results = *ofQueries;
    results.append(*ofKeys);
  }
  op.replaceAllUsesWith(results);
  eraseWithDelta(op);
  return success();
}

} // namespace drawloom::attention
