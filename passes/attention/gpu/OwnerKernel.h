// The gradients that belong to a tile: a block owns a tile of one side of the view and streams the other side
// past it.
#pragma once
#include "passes/attention/gpu/TileStream.h"

namespace drawloom::attention {

/// Builds the code of one owner at the kernel's insertion point.
///
/// A block has a warp group of producers and `cut.groups` of consumers. A consumer holds 64 rows: per
/// streamed tile, two products S and dP, the exponentials, then the products that add to its gradients, whose
/// left operands P and dS never leave the registers.
class OwnerKernel {
public:
  OwnerKernel(const TileKernel &k, const OwnerSpec &spec, MapList &maps);
  virtual ~OwnerKernel() = default;

  int64_t threads() const { return (spec.cut.groups + 1) * kGroupThreads; }
  int64_t sharedBytes() const { return stream.layout.total; }

  /// Items [from, to) of the owner's own count.
  void build(Value from, Value to) const;

protected:
  using Item = TileStream::Item;
  struct Gradients {
    Value first, values;
  };
  /// What does not change while tiles stream past a consumer.
  struct Rows {
    Value row; ///< the first of the group in the tile
    RowBounds bounds;
    mlir::TypedValue<dgpu::TileType> first, values; ///< the owned operands: 64 rows of the tiles
    QueryStatistics statistics;                     ///< of owned queries
  };

  void split(llvm::function_ref<void()> producers, llvm::function_ref<void()> consumers) const;
  void consume(Value from, Value to) const;
  virtual void consumeItem(const Item &item, Value step) const;
  Rows rowsOf(const Item &item) const;
  void finish(const Item &item, Value row, const Gradients &gradients) const;
  void groupBarrier() const;
  mlir::TypedValue<dgpu::TileType> streamTile(const Ring::Slot &slot, bool values) const;
  Value packed(Value fragment) const;
  /// Starts sum + left tile, the left operand from registers.
  Value accumulate(Value left, mlir::TypedValue<dgpu::TileType> tile, Value sum) const;

  const TileKernel &k;
  const OwnerSpec &spec;
  GpuBuilder g;
  GradientMath math;
  TileStream stream;

private:
  Gradients meet(const Rows &rows, const Ring::Slot &slot, Value tile, Gradients gradients) const;
};

} // namespace drawloom::attention
