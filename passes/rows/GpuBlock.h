// What a GPU kernel's body knows about the threads of its block.
#pragma once
#include "dialect/Pch.h"

namespace drawloom::rows {

inline constexpr int64_t kWarp = 32;

/// Threads of a block that works on rows; 2048 threads fit on a multiprocessor.
inline constexpr int64_t kRowThreads = 256;

/// Makes ops that speak of the block, at a place in the code.
struct GpuBlock {
  mlir::OpBuilder &b;
  mlir::Location loc;
  using Value = mlir::Value;

  Value thread();
  /// Waits for all threads of the block, and makes what they wrote to shared memory visible.
  void barrier();
  /// The value (f32 or i32) of the lane whose number differs by `offset` in each bit that is set there. All
  /// lanes of a warp take part.
  Value shuffleXor(Value value, int64_t offset);
  /// An i32 with a bit for each lane of the warp whose `condition` holds.
  Value ballot(Value condition);
  /// A view of the block's dynamic shared memory, `offset` bytes from its start.
  Value shared(llvm::ArrayRef<int64_t> shape, mlir::Type element, int64_t offset = 0);

  Value index(int64_t value) { return mlir::arith::ConstantIndexOp::create(b, loc, value); }
  Value add(Value x, Value y) { return mlir::arith::AddIOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return mlir::arith::SubIOp::create(b, loc, x, y); }
  Value mul(Value x, int64_t y) { return mlir::arith::MulIOp::create(b, loc, x, index(y)); }
  Value div(Value x, int64_t y) { return mlir::arith::DivUIOp::create(b, loc, x, index(y)); }
  Value rem(Value x, int64_t y) { return mlir::arith::RemUIOp::create(b, loc, x, index(y)); }
  Value min(Value x, Value y) { return mlir::arith::MinUIOp::create(b, loc, x, y); }
  Value less(Value x, Value y);
  Value isZero(Value x);
  /// Emits `then` under `condition`; without one, always.
  void when(Value condition, llvm::function_ref<void(GpuBlock)> then);
};

/// Adds vectors across the teams of a block, in order of the teams: each thread holds one vector of
/// `vectors.front()`'s lanes for every entry, at the columns from `ownColumn` on of its team `team`. `write`
/// is emitted once an entry, for the threads that have a column: with the entry's number, the column (below
/// `columns`) and its total. Needs teams * columns * 4 bytes of shared memory.
void addAcrossTeams(GpuBlock block, mlir::ValueRange vectors, int64_t teams, int64_t columns,
                    mlir::Value team, mlir::Value ownColumn,
                    llvm::function_ref<void(GpuBlock, unsigned, mlir::Value, mlir::Value)> write);

/// Sets the attributes of a kernel that say how it is launched.
void setLaunchShape(mlir::func::FuncOp kernel, int64_t threads, int64_t items, int64_t sharedBytes,
                    int64_t minBlocks = 0);

} // namespace drawloom::rows
