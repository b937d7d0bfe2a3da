// A product whose result passes through row ops before it is written.
#pragma once
#include "passes/gpu/TensorMaps.h"
#include "passes/products/FragmentRows.h"
#include "passes/products/HeadSums.h"
#include "passes/products/ProductPlan.h"

namespace drawloom::products {

using mlir::ArrayRef;
using mlir::SmallVector;
using mlir::ValueRange;

/// What the kernel computes, and the numbers of its memrefs.
struct ProductSpec {
  ProductShape shape;
  ProductCut cut;
  unsigned a, b;
  std::optional<unsigned> input;
  SmallVector<unsigned, 2> outputs, sums;        ///< sums: partial ones, [sumRows(), columns]
  SmallVector<Value, 2> outputValues, sumValues; ///< in the fusion
  std::optional<unsigned> delta;                 ///< [B, H, n]
  SmallVector<Value, 2> deltaFactors;            ///< dout and out, in the fusion

  /// Rows of partial sums: one a warp and block of a column tile.
  int64_t sumRows() const { return cut.rowBlocks(shape) * cut.groups * 4; }
};

/// Builds the kernel's body.
///
/// Block k has column tile k mod columnTiles and, with the other blocks of that tile, goes through the tiles
/// of 64 rows. Its columns of b come once and stay in shared memory; slices of a (64 rows by 64 of the inner
/// extent) stream through a ring. A consumer is a warp group; groups take turns at row tiles, so that some
/// multiply while others are in their epilogue. A group starts on the ring when the one before it has found
/// all of its slices there: who waits for a slot twice filled must know that it was filled once. In the
/// epilogue a thread takes the two columns of a row that it holds side by side through the row ops, and the
/// results leave by bulk copies from a place of the group's own. The epilogue's input arrives in that place,
/// brought by a thread of its own: it waits for the last tile's results to be gone, and slices of a need not
/// wait with it. Sums over rows stay in registers and leave when the block ends; those along heads leave with
/// their tile.
class ProductKernel {
public:
  ProductKernel(const rows::IndexBuilder &k, const ProductSpec &spec, FragmentRows &rows, MapList &maps);

  int64_t threads() const { return (cut.groups + 1) * kGroupThreads; }
  int64_t sharedBytes() const { return layout.total; }
  void build();

private:
  /// A row tile of the block; i32.
  struct Turn {
    Value number, firstRow;
  };

  void setUp() const;
  SmallVector<Value> forEachTurn(Value first, int64_t step, ValueRange inits,
                                 llvm::function_ref<SmallVector<Value>(const Turn &, ValueRange)> body) const;

  void bringProducts() const;
  void askAhead(const Turn &turn) const;
  void bringInputs() const;

  void consume();
  Value multiply(const Turn &turn) const;
  void takeTurn(const Turn &turn) const;
  void passTurn(const Turn &turn) const;
  SmallVector<Value> finish(const Turn &turn, Value product, ValueRange sums);
  SmallVector<Value> finishPanel(const Turn &turn, int64_t panel, Value place, Value product, ValueRange sums,
                                 HeadSums *delta);
  Value firstRowOfThread(const Turn &turn) const;
  void storeOutputs(const Turn &turn, Value place) const;
  void storeSums(ValueRange sums) const;

  Ring::Slot sliceSlot(const Turn &turn, int64_t slice) const;
  /// The tile of a group's place number `place`, or a panel of it.
  Value placeAt(Value group, int64_t place) const;
  mlir::TypedValue<dgpu::TileType> panelAt(Value place, int64_t number, int64_t panel) const;
  mlir::TypedValue<dgpu::TileType> weights(int64_t slice) const;
  void groupBarrier() const;
  mlir::VectorType sumType() const { return g.vector({cut.columns / 8, 2}, g.b.getF32Type()); }

  const ProductSpec &spec;
  const ProductShape &shape;
  const ProductCut &cut;
  FragmentRows &rows;
  GpuBuilder g;
  dgpu::TileType sliceType, weightType, placeType, panelType;
  SharedLayout layout;
  int64_t weightsAt, placesAt, slicesAt, turnsAt; ///< turnsAt: an mbarrier a group, over when it is its turn
  std::optional<Ring> sliceRing, inputRing;
  int64_t weightBarrier;
  Value aMap, bMap, inputMap;
  SmallVector<Value, 2> outputMaps;
  Value firstColumn, firstTile, turns; ///< of the block (i32): its columns, its first row tile, its row tiles
};

} // namespace drawloom::products
