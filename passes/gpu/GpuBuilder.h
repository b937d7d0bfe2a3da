// What warp-specialized kernels are written with: 32-bit arithmetic, threads, loops that carry
// values, shared memory, rings of mbarriers.
#pragma once
#include "dialect/gpu/Gpu.h"
#include "passes/rows/IndexBuilder.h"

namespace drawloom {

inline constexpr int64_t kWarpThreads = 32;
inline constexpr int64_t kGroupThreads = 128; ///< of a warp group
inline constexpr int64_t kGroupRows = 64;     ///< rows of a product that a warp group makes

/// Builds at the insertion point of a kernel. Numbers below the size of a tile are i32, positions are index.
class GpuBuilder {
public:
  using Type = mlir::Type;
  using Value = mlir::Value;
  using ValueRange = mlir::ValueRange;

  explicit GpuBuilder(const rows::IndexBuilder &k);

  const rows::IndexBuilder &k;
  mlir::OpBuilder &b;
  mlir::Location loc;
  Value thread; ///< of the block
  Value group;  ///< warp group of the thread

  Value i32(int64_t value) const;
  Value toI32(Value index) const;
  Value toIndex(Value i32) const;
  Value add(Value x, Value y) const;
  Value add(Value x, int64_t y) const;
  Value sub(Value x, Value y) const;
  Value mul(Value x, int64_t y) const;
  Value div(Value x, int64_t y) const; ///< of numbers that are not negative
  Value rem(Value x, int64_t y) const;
  Value bitXor(Value x, Value y) const;
  Value min(Value x, Value y) const;
  Value max(Value x, Value y) const;
  Value compare(mlir::arith::CmpIPredicate predicate, Value x, Value y) const;
  Value equal(Value x, int64_t y) const;
  Value less(Value x, Value y) const { return compare(mlir::arith::CmpIPredicate::slt, x, y); }
  Value both(Value x, Value y) const;
  Value select(Value condition, Value x, Value y) const;

  Value lane() const { return rem(thread, kWarpThreads); }
  Value warp() const { return div(thread, kWarpThreads); }
  Value threadInGroup() const { return rem(thread, kGroupThreads); }

  void when(Value condition, llvm::function_ref<void()> then,
            llvm::function_ref<void()> otherwise = nullptr) const;
  llvm::SmallVector<Value> choose(Value condition, mlir::TypeRange types,
                                  llvm::function_ref<llvm::SmallVector<Value>()> then,
                                  llvm::function_ref<llvm::SmallVector<Value>()> otherwise) const;
  /// scf.for over [from, to) that carries `inits`; `body(i, carried)` gives what goes on.
  llvm::SmallVector<Value> loop(Value from, Value to, int64_t step, ValueRange inits,
                                llvm::function_ref<llvm::SmallVector<Value>(Value, ValueRange)> body) const;

  mlir::VectorType vector(llvm::ArrayRef<int64_t> shape, Type element) const {
    return mlir::VectorType::get(shape, element);
  }
  mlir::VectorType accumulator(int64_t columns) const { return vector({columns / 8, 2, 2}, b.getF32Type()); }
  Value splat(mlir::VectorType type, double value) const;
  Value spread(Value vector, mlir::VectorType type) const; ///< along extents of 1
  Value fma(Value x, Value y, Value z) const;
  Value mulf(Value x, Value y) const;
  Value subf(Value x, Value y) const;

  dgpu::TileType tileType(int64_t rows, int64_t columns, Type element, int64_t pitch = 0) const;
  mlir::TypedValue<dgpu::TileType> tile(dgpu::TileType type, Value offset) const;
  /// 64 rows of a tile from `row` on.
  mlir::TypedValue<dgpu::TileType> groupRows(mlir::TypedValue<dgpu::TileType> tile, Value row) const;
  /// Shared memory at `offset` as a plain array.
  Value array(int64_t extent, Type element, Value offset) const;
  Value load(Value memref, ValueRange indices, int64_t lanes, int64_t alignment) const;
  void store(Value vector, Value memref, ValueRange indices, int64_t alignment) const;
  /// By all `threads` of the block: zeros in `bytes` (a multiple of 16) of shared memory from `offset` (one
  /// of 16) on.
  void clear(int64_t offset, int64_t bytes, int64_t threads) const;
};

/// Byte offsets in the block's shared memory, given out once.
class SharedLayout {
public:
  int64_t take(int64_t bytes, int64_t alignment) {
    int64_t offset = (total + alignment - 1) / alignment * alignment;
    total = offset + bytes;
    return offset;
  }
  int64_t total = 0;
};

/// Slots that producers fill and consumers empty, or one slot of which both wait for the other.
class Ring {
public:
  using Value = mlir::Value;

  Ring(SharedLayout &layout, int64_t stages)
      : stages(stages), full(layout.take(8 * stages, 8)), empty(layout.take(8 * stages, 8)) {}

  const int64_t stages, full, empty; ///< offsets of the mbarriers

  struct Slot {
    Value number, parity;
  };
  /// Where the `step`-th use (i32) lies.
  Slot slot(const GpuBuilder &g, Value step) const;
  Value fullBarrier(const GpuBuilder &g, const Slot &slot) const;
  Value emptyBarrier(const GpuBuilder &g, const Slot &slot) const;

  /// By one thread.
  void init(const GpuBuilder &g, int64_t fullArrivals, int64_t emptyArrivals) const;
  void waitFull(const GpuBuilder &g, const Slot &slot) const;
  void waitEmpty(const GpuBuilder &g, const Slot &slot) const;
  /// By all lanes of a consumer's warp; one arrival a warp.
  void release(const GpuBuilder &g, const Slot &slot) const;
};

/// What a block of the kernel takes, and how many of them share a multiprocessor. Without that number ptxas
/// does not know how many registers a thread starts with, and ignores set_max_registers.
void describeBlock(const rows::IndexBuilder &k, int64_t threads, int64_t sharedBytes, int64_t blocks);

/// Element number of a 16-byte chunk in a tile (dialect/gpu, `tile`).
mlir::Value chunkIndex(const GpuBuilder &g, dgpu::TileType type, mlir::Value row, mlir::Value chunk);

} // namespace drawloom
