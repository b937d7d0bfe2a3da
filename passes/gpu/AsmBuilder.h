// What the lowerings of target-level ops share: inline PTX, addresses of shared memory, elements of
// fragments.
#pragma once
#include "dialect/gpu/Gpu.h"

namespace drawloom::dgpu {

using mlir::ArrayRef;
using mlir::SmallVector;
using mlir::StringRef;
using mlir::Type;
using mlir::Value;
using mlir::ValueRange;

/// What a piece of inline PTX does besides giving results.
struct AsmTraits {
  bool hasSideEffects = true;
  bool touchesMemory = false; ///< other than through its operands' registers: no load or store moves across
  bool earlyClobber = false;  ///< results are written before all operands are read
};

/// Builds the instructions of one op.
class AsmBuilder {
public:
  AsmBuilder(mlir::OpBuilder &b, mlir::Location loc) : b(b), loc(loc) {}

  mlir::OpBuilder &b;
  mlir::Location loc;

  Value i32(int64_t value) const;
  Value i64(int64_t value) const;
  Value add(Value x, Value y) const;
  Value mul(Value x, int64_t y) const;
  Value bitAnd(Value x, int64_t y) const;
  Value bitXor(Value x, Value y) const;
  Value shiftRight(Value x, int64_t bits) const;
  Value toI32(Value x) const; ///< from index or i1
  Value thread() const;       ///< of the block, i32
  Value lane() const;

  /// Inline PTX in which $0, $1, ... are the results and then `operands`; the first results start as the
  /// values of `tied`, which take no number of their own in the text but for the operands' (they stand
  /// between results and operands).
  SmallVector<Value> assembly(StringRef text, ArrayRef<Type> results, ValueRange operands,
                              AsmTraits traits = {}, ValueRange tied = {}) const;
  Value intrinsic(StringRef name, Type result, ValueRange operands) const; ///< null if result is

  /// 32-bit address of a byte offset into the block's dynamic shared memory.
  Value sharedAddress(Value offset) const;
  /// 32-bit address of a tile; failure if it does not come from shared_tile or subtile.
  mlir::FailureOr<Value> tileAddress(mlir::TypedValue<TileType> tile) const;
  /// 64-bit address of a memref's element.
  Value globalAddress(mlir::TypedValue<mlir::MemRefType> source, ValueRange indices) const;

  /// f32 elements, or pairs of 16-bit elements as i32.
  SmallVector<Value> registers(Value fragment) const;
  Value fragment(mlir::VectorType type, ValueRange registers) const;
};

/// Where in a tile a 16-byte chunk lies: start + (chunk's panel) * panelBytes + rowTerm + 16 * (chunk in
/// panel xor swizzle), for a row known at run time only.
class ChunkAddress {
public:
  ChunkAddress(const AsmBuilder &a, TileType tile, Value start, Value row);
  /// `chunk` plus 1 if `odd` (i32 0 or 1) holds; an even chunk. Without `odd`, any chunk.
  Value at(int64_t chunk, Value odd = {}) const;
  Value atDynamic(Value chunk) const;

private:
  const AsmBuilder &a;
  TileType tile;
  Value rowStart, swizzle;
};

void populateProducts(mlir::RewritePatternSet &patterns);
void populateFragments(mlir::RewritePatternSet &patterns, bool isHopper);
void populateCopies(mlir::RewritePatternSet &patterns);
void populateBarriers(mlir::RewritePatternSet &patterns, bool isHopper);
void populateWords(mlir::RewritePatternSet &patterns);

} // namespace drawloom::dgpu
