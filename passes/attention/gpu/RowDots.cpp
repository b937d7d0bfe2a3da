#include "passes/attention/gpu/RowDots.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

using namespace mlir;

namespace drawloom::attention {

Value RowDots::rowIn(int64_t turn) const { return g.add(g.mul(g.div(g.lane(), lanes()), turns()), turn); }

/// Lanes behind the row's end read its last piece, for nothing.
Value RowDots::piece() const {
  int64_t pieces = channels / kPiece;
  Value lane = g.rem(g.lane(), lanes());
  return lanes() == pieces ? lane : g.min(lane, g.i32(pieces - 1));
}

Value RowDots::row() const {
  return turns() == lanes() ? g.lane() : g.add(rowIn(0), g.rem(g.lane(), lanes()));
}

Value RowDots::keeps() const { return g.less(g.rem(g.lane(), lanes()), g.i32(turns())); }

SmallVector<Value> RowDots::read(Value memref, Value batch, Value head, int64_t first, int64_t count,
                                 llvm::function_ref<Value(Value)> positionOf) const {
  Value channel = g.k.apply(g.k.dim(0) * channels + g.k.dim(1) * kPiece, {head, g.toIndex(piece())});
  SmallVector<Value> pieces;
  for (int64_t turn = first; turn < first + count; ++turn)
    pieces.push_back(g.load(memref, {batch, positionOf(rowIn(turn)), channel}, kPiece, 16));
  return pieces;
}

Value RowDots::sums(ArrayRef<Value> xs, ArrayRef<Value> ys, int64_t first, Value kept) const {
  Value lane = g.rem(g.lane(), lanes());
  for (auto [i, x] : llvm::enumerate(xs)) {
    Value ofTurn = sum(x, ys[i]);
    kept = kept ? g.select(g.equal(lane, first + i), ofTurn, kept) : ofTurn;
  }
  return kept;
}

/// Of a row, in all lanes that have its pieces.
Value RowDots::sum(Value x, Value y) const {
  auto elements = [&](Value piece) {
    Value wide = arith::ExtFOp::create(g.b, g.loc, g.vector({kPiece}, g.b.getF32Type()), piece);
    return vector::ToElementsOp::create(g.b, g.loc, wide);
  };
  auto xs = elements(x), ys = elements(y);
  Value sum = g.mulf(xs.getResult(0), ys.getResult(0));
  for (int64_t e = 1; e < kPiece; ++e) sum = g.fma(xs.getResult(e), ys.getResult(e), sum);
  if (int64_t pieces = channels / kPiece; pieces < lanes()) {
    Value zero = arith::ConstantOp::create(g.b, g.loc, g.b.getF32FloatAttr(0));
    sum = g.select(g.less(g.rem(g.lane(), lanes()), g.i32(pieces)), sum, zero);
  }
  for (int64_t distance = lanes() / 2; distance > 0; distance /= 2) {
    auto other = gpu::ShuffleOp::create(g.b, g.loc, sum, int32_t(distance), int32_t(kWarpThreads),
                                        gpu::ShuffleMode::XOR);
    sum = arith::AddFOp::create(g.b, g.loc, sum, other.getShuffleResult());
  }
  return sum;
}

} // namespace drawloom::attention
