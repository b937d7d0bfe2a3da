// Fragments to and from shared tiles; approximate functions.
#include "passes/gpu/AsmBuilder.h"

using namespace mlir;

namespace drawloom::dgpu {
namespace {

/// First row of a warp in a tile of 64 rows, 0 in one of 16.
Value firstRow(const AsmBuilder &a, TileType tile) {
  if (tile.getRows() == 16) return a.i32(0);
  return a.mul(a.bitAnd(a.shiftRight(a.thread(), 5), 3), 16);
}

/// The addresses that lanes give to ldmatrix.x4 and stmatrix.x4 for the 16 x 16 parts of a warp's rows.
ChunkAddress matrixRows(const AsmBuilder &a, TileType tile, Value start) {
  return ChunkAddress(a, tile, start, a.add(firstRow(a, tile), a.bitAnd(a.lane(), 15)));
}

struct LowerLoadFragment : OpRewritePattern<LoadFragmentOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(LoadFragmentOp op, PatternRewriter &rewriter) const override {
    AsmBuilder a(rewriter, op.getLoc());
    TileType tile = op.getTile().getType();
    auto start = a.tileAddress(op.getTile());
    if (failed(start)) return failure();
    ChunkAddress chunks = matrixRows(a, tile, *start);
    Value odd = a.shiftRight(a.lane(), 4);
    SmallVector<Type> four(4, rewriter.getI32Type());
    SmallVector<Value> registers;
    for (int64_t chunk = 0; chunk < tile.getColumns() / 8; chunk += 2)
      registers.append(a.assembly("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {$0, $1, $2, $3}, [$4];", four,
                                  {chunks.at(chunk, odd)}, {.touchesMemory = true}));
    rewriter.replaceOp(op, a.fragment(cast<VectorType>(op.getFragment().getType()), registers));
    return success();
  }
};

struct LowerStoreFragment : OpRewritePattern<StoreFragmentOp> {
  LowerStoreFragment(MLIRContext *context, bool hasStmatrix)
      : OpRewritePattern(context), hasStmatrix(hasStmatrix) {}
  LogicalResult matchAndRewrite(StoreFragmentOp op, PatternRewriter &rewriter) const override {
    AsmBuilder a(rewriter, op.getLoc());
    auto start = a.tileAddress(op.getTile());
    if (failed(start)) return failure();
    SmallVector<Value> registers = a.registers(op.getFragment());
    if (hasStmatrix)
      storeMatrices(a, op.getTile().getType(), *start, registers);
    else
      storePairs(a, op.getTile().getType(), *start, registers);
    rewriter.eraseOp(op);
    return success();
  }

private:
  static void storeMatrices(const AsmBuilder &a, TileType tile, Value start, ArrayRef<Value> registers) {
    ChunkAddress chunks = matrixRows(a, tile, start);
    Value odd = a.shiftRight(a.lane(), 4);
    for (size_t i = 0; i < registers.size(); i += 4) {
      SmallVector<Value> operands{chunks.at(i / 2, odd)};
      operands.append(registers.begin() + i, registers.begin() + i + 4);
      a.assembly("stmatrix.sync.aligned.m8n8.x4.shared.b16 [$0], {$1, $2, $3, $4};", {}, operands,
                 {.touchesMemory = true});
    }
  }

  static void storePairs(const AsmBuilder &a, TileType tile, Value start, ArrayRef<Value> registers) {
    Value lane = a.lane(), row = a.add(firstRow(a, tile), a.shiftRight(lane, 2)),
          pair = a.mul(a.bitAnd(lane, 3), 4);
    for (size_t r = 0; r < 2; ++r) {
      ChunkAddress chunks(a, tile, start, r ? a.add(row, a.i32(8)) : row);
      for (size_t j = 0; j < registers.size() / 2; ++j)
        a.assembly("st.shared.b32 [$0], $1;", {}, {a.add(chunks.at(j), pair), registers[2 * j + r]},
                   {.touchesMemory = true});
    }
  }

  bool hasStmatrix;
};

/// An element at a time.
template <typename Op> struct LowerApproximation : OpRewritePattern<Op> {
  LowerApproximation(MLIRContext *context, StringRef name) : OpRewritePattern<Op>(context), name(name) {}
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    AsmBuilder a(rewriter, op.getLoc());
    Type f32 = rewriter.getF32Type();
    auto type = dyn_cast<VectorType>(op.getType());
    if (!type) {
      rewriter.replaceOp(op, a.intrinsic(name, f32, {op.getX()}));
      return success();
    }
    SmallVector<Value> elements(vector::ToElementsOp::create(rewriter, op.getLoc(), op.getX()).getResults());
    for (Value &element : elements) element = a.intrinsic(name, f32, {element});
    rewriter.replaceOpWithNewOp<vector::FromElementsOp>(op, type, elements);
    return success();
  }
  StringRef name;
};

} // namespace

void populateFragments(RewritePatternSet &patterns, bool isHopper) {
  MLIRContext *context = patterns.getContext();
  patterns.add<LowerLoadFragment>(context);
  patterns.add<LowerStoreFragment>(context, /*hasStmatrix=*/isHopper);
  patterns.add<LowerApproximation<Exp2Op>>(context, "llvm.nvvm.ex2.approx.ftz.f");
  patterns.add<LowerApproximation<Log2Op>>(context, "llvm.nvvm.lg2.approx.ftz.f");
  patterns.add<LowerApproximation<RcpOp>>(context, "llvm.nvvm.rcp.approx.ftz.f");
}

} // namespace drawloom::dgpu
