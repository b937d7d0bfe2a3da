#include "passes/attention/gpu/LowerDelta.h"
#include "passes/attention/gpu/RowDots.h"
#include "passes/memory/Layout.h"

using namespace mlir;

namespace drawloom::attention {
namespace {

constexpr int64_t kWarps = 8;
constexpr int64_t kTurnsUnderWay = 8; ///< whose rows are asked for at once

bool is16BitRows(Value v) {
  Type element = cast<RankedTensorType>(v.getType()).getElementType();
  return (element.isBF16() || element.isF16()) && rowStride(v) % RowDots::kPiece == 0;
}

/// A warp has 32 rows of a head, and its lane l ends with row l.
struct DeltaKernel {
  const GpuBuilder &g;
  int64_t batch, n, heads, channels;

  static int64_t rows() { return kWarps * kWarpThreads; }

  void build() const {
    const rows::IndexBuilder &k = g.k;
    RowDots dots{g, channels, kWarpThreads};
    k.forEachItem({batch, int64_t(llvm::divideCeil(n, rows())), heads}, [&](ArrayRef<Value> at) {
      Value first = k.apply(k.dim(0) * rows() + k.dim(1) * kWarpThreads, {at[1], g.toIndex(g.warp())}), sum;
      auto position = [&](Value row) { return k.apply(k.dim(0) + k.dim(1), {first, g.toIndex(row)}); };
      int64_t count = std::min(dots.turns(), kTurnsUnderWay);
      for (int64_t turn = 0; turn < dots.turns(); turn += count) {
        auto read = [&](unsigned argument) {
          return dots.read(k.kernel.memref(argument), at[0], at[2], turn, count,
                           [&](Value row) { return k.min(position(row), k.index(n - 1)); });
        };
        SmallVector<Value> gradients = read(0), outs = read(1);
        sum = dots.sums(gradients, outs, turn, sum);
      }
      Value row = position(dots.row());
      g.when(k.less(row, k.index(n)), [&] {
        memref::StoreOp::create(g.b, g.loc, sum, k.kernel.memref(2), ValueRange{at[0], at[2], row});
      });
    });
  }
};

} // namespace

bool hasWarpKernels(AttentionDeltaOp op, Context &context) {
  if (context.options.target == "cpu") return false;
  int64_t channels = cast<RankedTensorType>(op.getOut().getType()).getShape().back() / op.getHeads();
  return channels % RowDots::kPiece == 0 && channels <= kWarpThreads * RowDots::kPiece &&
         is16BitRows(op.getDout()) && is16BitRows(op.getOut());
}

LogicalResult lowerToWarps(AttentionDeltaOp op, Context &context) {
  OpBuilder b(op);
  auto shape = cast<RankedTensorType>(op.getOut().getType()).getShape();
  int64_t batch = shape[0], n = shape[1], heads = op.getHeads(), channels = shape[2] / heads;
  LaunchSpec spec;
  spec.name = "attention_delta";
  spec.inputs = {op.getDout(), op.getOut()};
  spec.inplace = {-1};
  spec.results = {op.getDelta().getType()};
  for (Value v : {op.getDout(), op.getOut(), op.getDelta()}) spec.memrefs.push_back(kernelMemRefType(v));
  spec.grid = batch * heads * int64_t(llvm::divideCeil(n, DeltaKernel::rows()));
  spec.flops = 2 * batch * n * shape[2];
  spec.bytes = bytesOf({op.getDout(), op.getOut(), op.getDelta()}, heads, heads);
  spec.key = std::to_string(heads);
  auto made = launch(context, b, op, spec, [&](const TileKernel &k) {
    GpuBuilder g(k);
    DeltaKernel{g, batch, n, heads, channels}.build();
    k.kernel.function->setAttr(kThreadsAttr, k.b.getI64IntegerAttr(kWarps * kWarpThreads));
  });
  if (failed(made)) return failure();
  op.replaceAllUsesWith(*made);
  op.erase();
  return success();
}

} // namespace drawloom::attention
