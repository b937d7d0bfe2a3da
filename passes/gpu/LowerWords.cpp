// Words and sums in global memory that blocks hand on to each other.
#include "passes/gpu/AsmBuilder.h"

using namespace mlir;

namespace drawloom::dgpu {
namespace {

constexpr AsmTraits kMemory{.touchesMemory = true};

template <typename Op> struct LowerWord : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    lower(op, AsmBuilder(rewriter, op.getLoc()), rewriter);
    return success();
  }

private:
  static Value addressOf(const AsmBuilder &a, Value memref, ValueRange indices) {
    return a.globalAddress(cast<TypedValue<MemRefType>>(memref), indices);
  }

  static void lower(TakeNumberOp op, const AsmBuilder &a, PatternRewriter &rewriter) {
    rewriter.replaceOp(op, a.assembly("atom.relaxed.gpu.global.add.u32 $0, [$1], 1;", {rewriter.getI32Type()},
                                      {addressOf(a, op.getWord(), op.getIndices())}, kMemory));
  }

  /// Labels are local to the braces.
  static void lower(AwaitWordOp op, const AsmBuilder &a, PatternRewriter &rewriter) {
    a.assembly("{\n.reg .pred done;\n.reg .b32 word;\nWAIT:\nld.acquire.gpu.global.u32 word, [$0];\n"
               "setp.ge.u32 done, word, $1;\n@done bra DONE;\nbra WAIT;\nDONE:\nfence.proxy.async.global;\n}",
               {}, {addressOf(a, op.getWord(), op.getIndices()), op.getValue()}, kMemory);
    rewriter.eraseOp(op);
  }

  static void lower(PublishWordOp op, const AsmBuilder &a, PatternRewriter &rewriter) {
    a.assembly("fence.acq_rel.gpu;\nst.relaxed.gpu.global.u32 [$0], $1;", {},
               {addressOf(a, op.getWord(), op.getIndices()), op.getValue()}, kMemory);
    rewriter.eraseOp(op);
  }

  static void lower(ReadGlobalOp op, const AsmBuilder &a, PatternRewriter &rewriter) {
    SmallVector<Type> four(4, rewriter.getF32Type());
    auto values = a.assembly("ld.relaxed.gpu.global.v4.f32 {$0, $1, $2, $3}, [$4];", four,
                             {addressOf(a, op.getSource(), op.getIndices())}, kMemory);
    rewriter.replaceOp(op, a.fragment(cast<VectorType>(op.getValues().getType()), values));
  }
};

} // namespace

void populateWords(RewritePatternSet &patterns) {
  patterns.add<LowerWord<TakeNumberOp>, LowerWord<AwaitWordOp>, LowerWord<PublishWordOp>,
               LowerWord<ReadGlobalOp>>(patterns.getContext());
}

} // namespace drawloom::dgpu
