// The gradient of a layer's weight, and of its bias: a product over the rows of a batch, and a sum over them.
#pragma once
#include "passes/gpu/TensorMaps.h"
#include "passes/products/WeightGradPlan.h"

namespace drawloom::products {

using mlir::SmallVector;
using mlir::Value;
using mlir::ValueRange;

/// What the kernel computes, and the numbers of its memrefs.
struct WeightGradSpec {
  WeightGradShape shape;
  WeightGradCut cut;
  unsigned dy, x;
  unsigned products;            ///< partial dW: see productsExtents
  std::optional<unsigned> sums; ///< partial sums over dY's rows: [partials, cut.outputs()]

  /// Columns of eight that a warp group has of a tile.
  int64_t chunks() const { return cut.columns / 8; }
  /// f32 [partials, groups * chunks, threads * 4]: what a thread holds of eight columns lies together, so
  /// that a warp writes 512 bytes at a time.
  SmallVector<int64_t> productsExtents() const {
    return {cut.partials(shape), cut.groups * chunks(), kGroupThreads * 4};
  }
};

/// Index arithmetic on the line of units that both kernels do; values are i32.
class UnitLine {
public:
  UnitLine(const GpuBuilder &g, const WeightGradSpec &spec) : g(g), shape(spec.shape), cut(spec.cut) {}

  Value firstUnit(Value block) const;
  /// The numbers [first, end) of a tile's partial sums.
  std::pair<Value, Value> partialsOf(Value tile) const;

private:
  const GpuBuilder &g;
  const WeightGradShape &shape;
  const WeightGradCut &cut;
};

/// Builds the body of the kernel that makes partial sums.
///
/// One thread brings slices of dY and X through a ring. Two warp groups multiply each slice, 64 rows of the
/// tile each; products of a slice start before those of the slice before are finished. Sums over rows are
/// products of dY with ones: tensor cores add them up in passing. Blocks whose tiles share rows of dW take
/// turns at them. When a segment ends, its partial sums leave from registers, while the ring fills for the
/// next one.
class WeightGradKernel {
public:
  WeightGradKernel(const rows::IndexBuilder &k, const WeightGradSpec &spec, MapList &maps);

  int64_t threads() const { return (cut.groups + 1) * kGroupThreads; }
  int64_t sharedBytes() const { return layout.total; }
  void build();

private:
  /// What a block has of a tile: slices of rows, one after another. i32.
  struct Segment {
    Value tile, partial;
    Value firstStep; ///< of the block's ring
    Value firstSlice, count;
  };
  /// Accumulators of a warp group: of its rows of the tile, and of sums over rows (null if there are none).
  struct Sums {
    Value products, ones;
  };

  void setUp() const;
  void forEachSegment(llvm::function_ref<void(const Segment &)> body) const;
  void bringSlices() const;
  void consume() const;
  Sums multiply(const Segment &segment) const;
  Value addOnes(const Segment &segment, Value slice, Value dy, Value sum) const;
  void store(const Segment &segment, const Sums &sums) const;

  Value stage(const Ring::Slot &slot) const;
  dgpu::TileType groupType() const;
  mlir::TypedValue<dgpu::TileType> ones() const { return g.tile(onesType, g.i32(onesAt)); }

  const WeightGradSpec &spec;
  const WeightGradShape &shape;
  const WeightGradCut &cut;
  GpuBuilder g;
  dgpu::TileType dyType, xType, onesType;
  SharedLayout layout;
  int64_t stagesAt, onesAt;
  std::optional<Ring> ring;
  Value dyMap, xMap;
  Value block, firstUnit, endUnit;
};

/// Builds the body of the kernel that adds them up, in their order, on top of the accumulated gradient.
///
/// A thread has two columns of two rows of dW, as a thread of the first kernel had; blocks behind those of
/// dW have a bias's elements.
class WeightGradTotals {
public:
  /// Numbers of memrefs.
  struct Places {
    unsigned products, weights;           ///< partial sums, dW
    std::optional<unsigned> sums, biases; ///< partial sums, db
    bool addsToWeights = false, addsToBiases = false;
  };

  WeightGradTotals(const rows::IndexBuilder &k, const WeightGradSpec &spec, const Places &places)
      : spec(spec), places(places), g(k), line(g, spec) {}

  static constexpr int64_t kThreads = kMostGradGroups * kTileRows;
  static int64_t blocks(const WeightGradSpec &spec);
  void build() const;

private:
  void addProducts(Value block) const;
  void addSums(Value tileRow) const;
  Value total(Value first, Value end, mlir::VectorType type, Value before,
              llvm::function_ref<Value(Value)> load) const;

  const WeightGradSpec &spec;
  const Places &places;
  GpuBuilder g;
  UnitLine line;
};

} // namespace drawloom::products
