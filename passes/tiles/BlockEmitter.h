// What the lowerings of tile ops to the threads of a block build with. A tile op is one or more phases; in a
// phase each thread does its share, and between phases the threads wait for one another.
#pragma once
#include "passes/tiles/Emitter.h"

namespace drawloom::tiles {

/// What all tile ops of a kernel have in common.
struct BlockContext {
  int64_t threads = 0;
  bool takesTurns = false; ///< one thread does every share of a phase: for machines without blocks
  Value thread;            ///< number of the thread; null if it takes turns
  llvm::DenseMap<Value, Value>
      shared; ///< where a tile lies: a memref whose rows may be longer than the tile's
  llvm::DenseMap<mlir::Operation *, Value>
      scratch;                              ///< [partials, columns] of an op that combines partial results
  llvm::DenseMap<Value, int64_t> alignment; ///< bytes that the address of an argument is a multiple of
};

/// One row of a tile is padded so that eight rows at a distance of one begin in different banks.
int64_t paddedColumns(int64_t columns);

/// How many threads share the rows (keys) of one column (query) of a tile, and which of them they take: part
/// p of `parts` takes p, p + parts, ... Divides `rows`.
int64_t partsOf(int64_t threads, int64_t rows, int64_t columns);

/// Whether an op needs scratch for partial results, and how many floats.
int64_t scratchElements(mlir::Operation *op, int64_t threads);

class BlockEmitter : public Emitter {
public:
  static constexpr int64_t kLanes = 4;  ///< f32 elements of 16 bytes, the widest access
  static constexpr int64_t kUnroll = 8; ///< accesses of a thread in flight

  BlockEmitter(mlir::OpBuilder &b, mlir::Location loc, const BlockContext &context)
      : Emitter(b, loc, kLanes, /*registers=*/0), context(context) {}

  const BlockContext &context;

  /// `body(thread)`: a thread's share.
  void phase(llvm::function_ref<void(Value)> body) const;
  /// Between the phases of an op.
  void barrier() const;

  /// `body(y, x)` for the thread's share of [0, rows) x [0, columns): neighbours in a row are neighbouring
  /// threads.
  void forEach(Value thread, int64_t rows, int64_t columns,
               llvm::function_ref<void(Value, Value)> body) const;
  /// `body(i)` for i = thread, thread + threads, ... below `count`.
  void forEach(Value thread, int64_t count, llvm::function_ref<void(Value)> body) const;
  /// `body(x, part)` for each column x that the thread works on, of which it takes part `part` of `parts`.
  void forEachColumn(Value thread, int64_t columns, int64_t parts,
                     llvm::function_ref<void(Value, Value)> body) const;
  void when(Value condition, llvm::function_ref<void()> body) const;

  Value apply(mlir::AffineExpr expr, ValueRange operands) const;
  mlir::AffineExpr dim(unsigned position) const { return b.getAffineDimExpr(position); }

  /// Vectors of a tile in shared memory; `lanes` divides the tile's columns and the last index.
  Value loadTile(Value tile, ValueRange indices, int64_t lanes) const;
  void storeTile(Value vector, Value tile, ValueRange indices) const;
  /// Vectors of memory, as f32 whatever the memory holds.
  Value loadMemory(Value memory, ValueRange indices, int64_t lanes) const;
  void storeMemory(Value vector, Value memory, ValueRange indices) const;
  Value element(Value vector, int64_t lane) const;
  Value pack(ArrayRef<Value> scalars) const;

  /// The most lanes, at most kLanes, in which `channels` from channel `inner` on of a row of `memory` may be
  /// accessed.
  int64_t lanesOf(Value memory, Value inner, int64_t channels) const;

  Value sharedOf(Value tile) const { return context.shared.lookup(tile); }
  Value less(Value x, Value y) const;
};

// One lowering an op, as in Emitter.h.
void distribute(TileLoadOp op, const BlockEmitter &e);
void distribute(TileStoreOp op, const BlockEmitter &e);
void distribute(TileFillOp op, const BlockEmitter &e);
void distribute(TileMatmulOp op, const BlockEmitter &e);
void distribute(TileExtentsOp op, const BlockEmitter &e);
void distribute(TileMaskOp op, const BlockEmitter &e);
void distribute(TileSoftmaxStepOp op, const BlockEmitter &e);
void distribute(TileSoftmaxFinishOp op, const BlockEmitter &e);
void distribute(TileSoftmaxGradOp op, const BlockEmitter &e);
void distribute(TileDotOp op, const BlockEmitter &e);

} // namespace drawloom::tiles
