// What the lowerings of tile ops build with: index constants, loops, vectors of part of a tile's row.
#pragma once
#include "dialect/ir/Dialect.h"

namespace drawloom::tiles {

using mlir::ArrayRef;
using mlir::Value;
using mlir::ValueRange;
using Values = llvm::SmallVector<Value>;

/// A part of a tile's row that is one vector.
struct Segment {
  int64_t offset, lanes;
};

/// Cuts [0, extent) into vectors of `width` lanes, then narrower ones (width and all lanes are powers of
/// two).
llvm::SmallVector<Segment> segmentsOf(int64_t extent, int64_t width);

/// [from, to) for a loop: constants [0, extent), or values that are multiples of kExtentKeys.
struct Range {
  int64_t extent;
  Value from = {}, to = {};
};

/// Builds ops at one place with one location.
class Emitter {
public:
  Emitter(mlir::OpBuilder &b, mlir::Location loc, int64_t width, int64_t registers)
      : b(b), loc(loc), width(width), registers(registers) {}

  mlir::OpBuilder &b;
  mlir::Location loc;
  const int64_t width;     ///< lanes of the widest vector
  const int64_t registers; ///< vector registers of the machine

  Value index(int64_t value) const;
  Value add(Value x, Value y) const;
  Value add(Value x, int64_t y) const;
  Value min(Value x, Value y) const; ///< of signed indices

  mlir::VectorType vectorType(int64_t lanes) const;
  Value constant(double value, int64_t lanes) const; ///< vector<lanes x f32>
  Value splat(Value scalar, int64_t lanes) const;
  Value load(Value memref, ValueRange indices, int64_t lanes) const;
  void store(Value vector, Value memref, ValueRange indices) const;
  Value scalar(Value memref, ValueRange indices) const;
  Value fma(Value x, Value y, Value z) const;

  /// scf.for over [from, to) that carries `inits`; `body(i, carried)` returns what goes on.
  Values loop(Value from, Value to, int64_t step, Values inits,
              llvm::function_ref<Values(Value, Values)> body) const;
  /// Without carried values.
  void loop(Value from, Value to, int64_t step, llvm::function_ref<void(Value)> body) const;
  /// `body(start, count)` for blocks of `step` over [0, extent): a loop, unless it would run once, and a
  /// shorter last block.
  void blocks(int64_t extent, int64_t step, llvm::function_ref<void(Value, int64_t)> body) const;
  /// `body(i, slot, carried)` for every i of the range in order, `unroll` iterations a trip; slot is i mod
  /// unroll.
  Values unrolled(const Range &range, int64_t unroll, Values inits,
                  llvm::function_ref<Values(Value, int64_t, Values)> body) const;

  /// The keys that a group of queries meets: all `keys` without extents.
  Range keysOf(Value extents, int64_t group, int64_t keys) const;
};

inline ArrayRef<int64_t> shapeOf(Value memref) {
  return mlir::cast<mlir::MemRefType>(memref.getType()).getShape();
}

// One lowering an op; each builds at the emitter's place and leaves the op to the caller.
void lower(TileLoadOp op, const Emitter &e);
void lower(TileStoreOp op, const Emitter &e);
void lower(TilePrefetchOp op, const Emitter &e);
void lower(TileFillOp op, const Emitter &e);
void lower(TileMatmulOp op, const Emitter &e);
void lower(TileExtentsOp op, const Emitter &e);
void lower(TileMaskOp op, const Emitter &e);
void lower(TileSoftmaxStepOp op, const Emitter &e);
void lower(TileSoftmaxFinishOp op, const Emitter &e);
void lower(TileSoftmaxGradOp op, const Emitter &e);
void lower(TileDotOp op, const Emitter &e);

} // namespace drawloom::tiles
