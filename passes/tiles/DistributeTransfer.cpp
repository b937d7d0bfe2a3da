// tile.load and tile.store by the threads of a block: neighbouring threads take neighbouring channels of a
// row, 16 bytes each where they are aligned.
#include "passes/tiles/BlockEmitter.h"

using namespace mlir;

namespace drawloom::tiles {
namespace {

/// What a load and a store have in common.
class Transfer {
public:
  template <typename Op>
  Transfer(Op op, Value memory, const BlockEmitter &e)
      : e(e), tile(op.getTile()), memory(memory), outer(op.getOuter()), inner(op.getInner()), at(op.getAt()),
        map(op.getMap()), factor(op.getFactor().convertToDouble()), isTransposed(op.getTranspose()) {
    auto shape = shapeOf(tile);
    isMatrix = shape.size() == 2;
    rows = shape[isTransposed ? 1 : 0];
    channels = isMatrix ? shape[isTransposed ? 0 : 1] : 1;
    lanes = isMatrix ? e.lanesOf(memory, inner, channels) : 1;
    if (op.getLimit())
      count = e.min(arith::SubIOp::create(e.b, e.loc, op.getLimit(), at.back()), e.index(rows));
  }

  const BlockEmitter &e;
  Value tile, memory, outer, inner;
  SmallVector<Value> at;
  AffineMap map;
  double factor;
  bool isTransposed, isMatrix;
  int64_t rows, channels, lanes;
  Value count = {}; ///< rows that exist; null: all

  /// Indices into memory of channel c of the tile's row x.
  SmallVector<Value> indices(Value x, Value c) const {
    SmallVector<Value> operands = at;
    operands.back() = e.add(at.back(), x);
    Value position = affine::AffineApplyOp::create(e.b, e.loc, map, operands);
    if (isMatrix) return {outer, position, e.add(inner, c)};
    return {outer, inner, position};
  }

  Value scaled(Value v) const {
    if (factor == 1.0) return v;
    return arith::MulFOp::create(e.b, e.loc, v,
                                 e.constant(factor, cast<VectorType>(v.getType()).getNumElements()));
  }

  /// `body(x, c)` for each vector of `lanes` channels from c on of each row x.
  void forEachVector(Value thread, llvm::function_ref<void(Value, Value)> body) const {
    int64_t vectors = channels / lanes;
    auto channel = [&](Value vector) { return e.apply(e.dim(0) * lanes, vector); };
    if (!isTransposed)
      return e.forEach(thread, rows, vectors, [&](Value x, Value vector) { body(x, channel(vector)); });
    // Patches of rows and channels: whole sectors of memory on one side, different banks on the other.
    int64_t height = std::gcd<int64_t>(rows, 8), width = std::gcd<int64_t>(vectors, 4),
            across = vectors / width;
    e.forEach(thread, rows * vectors, [&](Value i) {
      AffineExpr in = e.dim(0), patch = in.floorDiv(height * width);
      Value x = e.apply(patch.floorDiv(across) * height + in.floorDiv(width) % height, i);
      body(x, channel(e.apply((patch % across) * width + in % width, i)));
    });
  }

  /// Lane by lane if it is transposed: `body(vector or scalar index of the tile, lane)`.
  SmallVector<Value> inTile(Value x, Value c) const {
    if (!isMatrix) return {x};
    return isTransposed ? SmallVector<Value>{c, x} : SmallVector<Value>{x, c};
  }
};

} // namespace

void distribute(TileLoadOp op, const BlockEmitter &e) {
  Transfer t(op, op.getSource(), e);
  e.phase([&](Value thread) {
    t.forEachVector(thread, [&](Value x, Value c) {
      // A missing row reads the last one and becomes zero.
      Value row = t.count ? e.min(x, e.add(t.count, -1)) : x;
      Value v = t.scaled(e.loadMemory(t.memory, t.indices(row, c), t.lanes));
      if (t.count) v = arith::SelectOp::create(e.b, e.loc, e.less(x, t.count), v, e.constant(0.0, t.lanes));
      if (!t.isTransposed) return e.storeTile(v, t.tile, t.inTile(x, c));
      for (int64_t lane = 0; lane < t.lanes; ++lane)
        e.storeTile(e.pack(e.element(v, lane)), t.tile, t.inTile(x, e.add(c, lane)));
    });
  });
}

void distribute(TileStoreOp op, const BlockEmitter &e) {
  Transfer t(op, op.getTarget(), e);
  auto write = [&](Value x, Value c) {
    Value v;
    if (t.isTransposed) {
      Values scalars;
      for (int64_t lane = 0; lane < t.lanes; ++lane)
        scalars.push_back(e.element(e.loadTile(t.tile, t.inTile(x, e.add(c, lane)), 1), 0));
      v = e.pack(scalars);
    } else {
      v = e.loadTile(t.tile, t.inTile(x, c), t.lanes);
    }
    SmallVector<Value> indices = t.indices(x, c);
    v = op.getAccumulate() ? e.fma(v, e.constant(t.factor, t.lanes), e.loadMemory(t.memory, indices, t.lanes))
                           : t.scaled(v);
    e.storeMemory(v, t.memory, indices);
  };
  e.phase([&](Value thread) {
    t.forEachVector(thread, [&](Value x, Value c) {
      if (!t.count) return write(x, c);
      e.when(e.less(x, t.count), [&] { write(x, c); });
    });
  });
}

} // namespace drawloom::tiles
