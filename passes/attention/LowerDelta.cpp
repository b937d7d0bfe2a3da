// attention_delta: a work item is a tile of positions of one head.
#include "passes/attention/gpu/LowerDelta.h"
#include "passes/attention/Lowering.h"
#include "passes/memory/Layout.h"

using namespace mlir;

namespace drawloom::attention {
namespace {

constexpr int64_t kPositions = 32; // a work item

} // namespace

LogicalResult lower(AttentionDeltaOp op, Context &context) {
  auto canTakeIn = [&](Operation *user) {
    return isa<AttendGradOp>(user) && user->getBlock() == op->getBlock();
  };
  bool canMakeIt = !context.options.isGpu() || hasWarpKernels(op, context);
  bool waits = canMakeIt && !op->use_empty() && llvm::all_of(op->getUsers(), canTakeIn);
  return waits ? success() : lowerDelta(op, context);
}

LogicalResult lowerDeltaOf(AttendGradOp op, Context &context) {
  auto delta = op.getDelta().getDefiningOp<AttentionDeltaOp>();
  return delta ? lowerDelta(delta, context) : success();
}

void eraseWithDelta(AttendGradOp op) {
  auto delta = op.getDelta().getDefiningOp<AttentionDeltaOp>();
  op.erase();
  if (delta && delta->use_empty()) delta.erase();
}

LogicalResult lowerDelta(AttentionDeltaOp op, Context &context) {
  if (hasWarpKernels(op, context)) return lowerToWarps(op, context);
  OpBuilder b(op);
  auto shape = cast<RankedTensorType>(op.getOut().getType()).getShape();
  int64_t batch = shape[0], n = shape[1], heads = op.getHeads(), channels = shape[2] / heads;
  int64_t tiles = llvm::divideCeil(n, kPositions);
  LaunchSpec spec;
  spec.name = "attention_delta";
  spec.inputs = {op.getDout(), op.getOut()};
  spec.inplace = {-1};
  spec.results = {op.getDelta().getType()};
  for (Value v : {op.getDout(), op.getOut(), op.getDelta()}) spec.memrefs.push_back(kernelMemRefType(v));
  spec.grid = batch * heads * tiles;
  spec.flops = 2 * batch * n * shape[2];
  spec.bytes = bytesOf({op.getDout(), op.getOut(), op.getDelta()}, heads, heads);
  spec.key = std::to_string(heads);
  auto made = launch(context, b, op, spec, [&](const TileKernel &k) {
    Value dOut = k.tile({channels, kPositions}), out = k.tile({channels, kPositions}),
          delta = k.tile({kPositions});
    AffineMap identity = k.b.getDimIdentityMap();
    // Heads lie side by side in memory, so they follow one another.
    k.forEachItem({batch, tiles, heads}, [&](ArrayRef<Value> at) {
      Value row = k.apply(k.dim(0) * kPositions, at[1]), end = k.index(n),
            channel = k.channel(at[2], channels);
      k.load(dOut, k.kernel.memref(0), at[0], channel, identity, row, end, {.transpose = true});
      k.load(out, k.kernel.memref(1), at[0], channel, identity, row, end, {.transpose = true});
      TileDotOp::create(k.b, k.loc, delta, dOut, out);
      k.store(delta, k.kernel.memref(2), at[0], at[2], identity, row, end);
    });
  });
  if (failed(made)) return failure();
  op.replaceAllUsesWith(*made);
  op.erase();
  return success();
}

} // namespace drawloom::attention
