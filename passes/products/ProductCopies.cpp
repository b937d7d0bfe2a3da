// The threads of a product's kernel that bring tiles to shared memory.
#include "passes/products/ProductKernel.h"
#include "passes/products/ProductTiles.h"

using namespace mlir;

namespace drawloom::products {

static constexpr int64_t kTurnsAhead = 2; ///< beyond the ring, that rows are asked for

/// By one thread: b's columns, then slices of a.
void ProductKernel::bringProducts() const {
  int64_t count = slices(shape);
  Value barrier = g.i32(weightBarrier);
  dgpu::MBarrierArriveOp::create(g.b, g.loc, barrier, g.i32(count * weightType.bytes()));
  for (int64_t slice = 0; slice < count; ++slice) {
    loadWeights(g, weights(slice), bMap, shape.transposeB, slice, firstColumn, barrier);
  }
  forEachTurn(g.i32(0), 1, {}, [&](const Turn &turn, ValueRange) {
    for (int64_t slice = 0; slice < count; ++slice) {
      Ring::Slot slot = sliceSlot(turn, slice);
      sliceRing->waitEmpty(g, slot);
      Value full = sliceRing->fullBarrier(g, slot);
      dgpu::MBarrierArriveOp::create(g.b, g.loc, full, g.i32(sliceType.bytes()));
      auto tile = g.tile(sliceType, g.add(g.mul(slot.number, sliceType.bytes()), slicesAt));
      dgpu::TmaLoadOp::create(g.b, g.loc, tile, aMap, ValueRange{g.i32(slice * kSliceInner), turn.firstRow},
                              full);
    }
    askAhead(turn);
    return SmallVector<Value>();
  });
}

/// Asks for rows that the ring has no place for yet. The blocks of the same rows, which come to them
/// together, share the slices.
void ProductKernel::askAhead(const Turn &turn) const {
  int64_t count = slices(shape), ahead = llvm::divideCeil(cut.stages, count) + kTurnsAhead;
  int64_t tiles = cut.columnTiles(shape);
  Value own = g.div(firstColumn, cut.columns);
  g.when(g.less(g.add(turn.number, ahead), turns), [&] {
    Value row = g.add(turn.firstRow, ahead * cut.rowBlocks(shape) * kTileRows);
    for (int64_t slice = 0; slice < count; ++slice)
      g.when(g.equal(own, slice % tiles), [&] {
        dgpu::TmaPrefetchOp::create(g.b, g.loc, aMap, ValueRange{g.i32(slice * kSliceInner), row});
      });
  });
}

/// By one thread: the epilogue's input, to the place of the group whose turn it is.
void ProductKernel::bringInputs() const {
  forEachTurn(g.i32(0), 1, {}, [&](const Turn &turn, ValueRange) {
    Ring::Slot slot = inputRing->slot(g, turn.number);
    inputRing->waitEmpty(g, slot);
    Value full = inputRing->fullBarrier(g, slot);
    dgpu::MBarrierArriveOp::create(g.b, g.loc, full, g.i32(placeType.bytes()));
    dgpu::TmaLoadOp::create(g.b, g.loc, g.tile(placeType, placeAt(slot.number, 0)), inputMap,
                            ValueRange{firstColumn, turn.firstRow}, full);
    return SmallVector<Value>();
  });
}

} // namespace drawloom::products
