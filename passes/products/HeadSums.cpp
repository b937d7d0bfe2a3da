#include "passes/products/HeadSums.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

using namespace mlir;

namespace drawloom::products {

namespace {

constexpr int64_t kRowLanes = 4, kRowDistance = 8;

} // namespace

HeadSums::HeadSums(const GpuBuilder &g, int64_t columns, int64_t channels, Value delta)
    : g(g), channels(channels), delta(delta), sums(columns / channels) {}

void HeadSums::add(int64_t chunk, int64_t half, Value x, Value y) {
  Value &sum = sums[chunk * 8 / channels][half];
  for (int64_t k : {0, 1}) {
    Value a = vector::ExtractOp::create(g.b, g.loc, x, ArrayRef<int64_t>{k});
    Value b = vector::ExtractOp::create(g.b, g.loc, y, ArrayRef<int64_t>{k});
    sum = sum ? g.fma(a, b, sum) : g.mulf(a, b);
  }
}

void HeadSums::store(Value row, Value firstColumn) const {
  auto type = cast<MemRefType>(delta.getType());
  int64_t heads = type.getDimSize(1), n = type.getDimSize(2), rows = type.getDimSize(0) * n;
  Value lane = g.rem(g.lane(), kRowLanes), firstHead = g.div(firstColumn, channels);
  for (auto [number, ofHead] : llvm::enumerate(sums)) {
    for (auto [half, sum] : llvm::enumerate(ofHead)) {
      Value total = sum;
      for (int32_t distance : {1, 2}) {
        auto other =
            gpu::ShuffleOp::create(g.b, g.loc, total, distance, int32_t(kWarpThreads), gpu::ShuffleMode::XOR);
        total = arith::AddFOp::create(g.b, g.loc, total, other.getShuffleResult());
      }
      Value own = g.add(row, int64_t(half) * kRowDistance), head = g.add(firstHead, int64_t(number));
      // A row's lanes take turns at storing.
      Value isWriter = g.equal(lane, (2 * number + half) % kRowLanes);
      Value exists = g.both(g.less(own, g.i32(rows)), g.less(head, g.i32(heads)));
      g.when(g.both(isWriter, exists), [&] {
        SmallVector<Value> at{g.toIndex(g.div(own, n)), g.toIndex(head), g.toIndex(g.rem(own, n))};
        memref::StoreOp::create(g.b, g.loc, total, delta, at);
      });
    }
  }
}

} // namespace drawloom::products
