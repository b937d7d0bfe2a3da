#include "passes/attention/gpu/LowerDelta.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "passes/attention/gpu/GpuBuilder.h"
#include "passes/memory/Layout.h"

using namespace mlir;

namespace drawloom::attention {
namespace {

constexpr int64_t kWarps = 8, kLaneChannels = 8;

bool is16BitRows(Value v) {
  Type element = cast<RankedTensorType>(v.getType()).getElementType();
  return (element.isBF16() || element.isF16()) && rowStride(v) % kLaneChannels == 0;
}

/// A warp has 32 rows of a head. A row is read by `lanes` neighbouring lanes, 16 bytes each, and there are as
/// many turns: in turn i the lanes from g * lanes on read row g * lanes + i, and lane i of them keeps the
/// sum. So lane l ends with row l.
struct DeltaKernel {
  const GpuBuilder &g;
  int64_t batch, n, heads, channels;

  int64_t lanes() const { return llvm::PowerOf2Ceil(channels / kLaneChannels); }
  static int64_t rows() { return kWarps * kWarpThreads; }

  void build() const {
    const TileKernel &k = g.k;
    k.forEachItem({batch, int64_t(llvm::divideCeil(n, rows())), heads}, [&](ArrayRef<Value> at) {
      Value first = k.apply(k.dim(0) * rows() + k.dim(1) * kWarpThreads, {at[1], g.toIndex(g.warp())});
      Value lane = g.rem(g.lane(), lanes()), start = g.sub(g.lane(), lane), sum = zero();
      for (int64_t turn = 0; turn < lanes(); ++turn) {
        Value row = k.apply(k.dim(0) + k.dim(1) + turn, {first, g.toIndex(start)});
        Value mine = rowSum(at[0], at[2], k.min(row, k.index(n - 1)), lane);
        sum = turn == 0 ? mine : g.select(g.equal(lane, turn), mine, sum);
      }
      Value row = k.apply(k.dim(0) + k.dim(1), {first, g.toIndex(g.lane())});
      g.when(k.less(row, k.index(n)), [&] {
        memref::StoreOp::create(g.b, g.loc, sum, k.kernel.memref(2), ValueRange{at[0], at[2], row});
      });
    });
  }

private:
  Value zero() const { return arith::ConstantOp::create(g.b, g.loc, g.b.getF32FloatAttr(0)); }

  /// Σ dout out over the head's channels, in all lanes of the row.
  Value rowSum(Value b, Value head, Value row, Value lane) const {
    auto part = [&] {
      Value channel = g.k.apply(g.k.dim(0) * channels + g.k.dim(1) * kLaneChannels, {head, g.toIndex(lane)});
      auto wide = [&](unsigned argument) {
        Value x = g.load(g.k.kernel.memref(argument), {b, row, channel}, kLaneChannels, 16);
        return arith::ExtFOp::create(g.b, g.loc, g.vector({kLaneChannels}, g.b.getF32Type()), x).getResult();
      };
      auto products = vector::ToElementsOp::create(g.b, g.loc, g.mulf(wide(0), wide(1)));
      Value sum = products.getResult(0);
      for (int64_t e = 1; e < kLaneChannels; ++e)
        sum = arith::AddFOp::create(g.b, g.loc, sum, products.getResult(e));
      return sum;
    };
    bool allLanesRead = lanes() * kLaneChannels == channels;
    Value sum = allLanesRead ? part()
                             : g.choose(
                                   g.less(lane, g.i32(channels / kLaneChannels)), TypeRange(g.b.getF32Type()),
                                   [&] { return SmallVector<Value>{part()}; },
                                   [&] { return SmallVector<Value>{zero()}; })[0];
    for (int64_t distance = lanes() / 2; distance > 0; distance /= 2) {
      auto other = gpu::ShuffleOp::create(g.b, g.loc, sum, int32_t(distance), int32_t(kWarpThreads),
                                          gpu::ShuffleMode::XOR);
      sum = arith::AddFOp::create(g.b, g.loc, sum, other.getShuffleResult());
    }
    return sum;
  }
};

} // namespace

bool hasWarpKernels(AttentionDeltaOp op, Context &context) {
  if (context.options.target == "cpu") return false;
  int64_t channels = cast<RankedTensorType>(op.getOut().getType()).getShape().back() / op.getHeads();
  return channels % kLaneChannels == 0 && channels <= kWarpThreads * kLaneChannels &&
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
