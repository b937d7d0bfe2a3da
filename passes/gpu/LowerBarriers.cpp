// Barriers in shared memory, named barriers, and what warps do as a whole.
#include "passes/gpu/AsmBuilder.h"

using namespace mlir;

namespace drawloom::dgpu {
namespace {

constexpr AsmTraits kMemory{.touchesMemory = true};

struct LowerMBarrierInit : OpRewritePattern<MBarrierInitOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MBarrierInitOp op, PatternRewriter &rewriter) const override {
    AsmBuilder a(rewriter, op.getLoc());
    a.assembly("mbarrier.init.shared::cta.b64 [$0], $1;", {},
               {a.sharedAddress(op.getBarrier()), op.getCount()}, kMemory);
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerMBarrierFence : OpRewritePattern<MBarrierFenceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MBarrierFenceOp op, PatternRewriter &rewriter) const override {
    AsmBuilder(rewriter, op.getLoc()).assembly("fence.mbarrier_init.release.cluster;", {}, {}, kMemory);
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerMBarrierArrive : OpRewritePattern<MBarrierArriveOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(MBarrierArriveOp op, PatternRewriter &rewriter) const override {
    AsmBuilder a(rewriter, op.getLoc());
    Value barrier = a.sharedAddress(op.getBarrier());
    if (op.getBytes())
      a.assembly("mbarrier.arrive.expect_tx.shared::cta.b64 _, [$0], $1;", {}, {barrier, op.getBytes()},
                 kMemory);
    else
      a.assembly("mbarrier.arrive.shared::cta.b64 _, [$0];", {}, {barrier}, kMemory);
    rewriter.eraseOp(op);
    return success();
  }
};

/// sm_90a's try_wait sleeps for a time that the hardware chooses, test_wait asks at once; labels are local to
/// the braces.
struct LowerMBarrierWait : OpRewritePattern<MBarrierWaitOp> {
  LowerMBarrierWait(MLIRContext *context, StringRef test) : OpRewritePattern(context), test(test) {}
  LogicalResult matchAndRewrite(MBarrierWaitOp op, PatternRewriter &rewriter) const override {
    AsmBuilder a(rewriter, op.getLoc());
    std::string text = "{\n.reg .pred done;\nWAIT:\nmbarrier." + test.str() +
                       ".parity.shared::cta.b64 done, [$0], $1;\n@done bra DONE;\nbra WAIT;\nDONE:\n}";
    a.assembly(text, {}, {a.sharedAddress(op.getBarrier()), op.getParity()}, kMemory);
    rewriter.eraseOp(op);
    return success();
  }
  StringRef test;
};

struct LowerRingSlot : OpRewritePattern<RingSlotOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RingSlotOp op, PatternRewriter &rewriter) const override {
    AsmBuilder a(rewriter, op.getLoc());
    Value stages = a.i32(op.getStages());
    Value slot = arith::RemUIOp::create(rewriter, op.getLoc(), op.getStep(), stages);
    Value round = arith::DivUIOp::create(rewriter, op.getLoc(), op.getStep(), stages);
    rewriter.replaceOp(op, {slot, a.bitAnd(round, 1)});
    return success();
  }
};

/// Intrinsics, because LLVM knows that they must not be moved into or out of divergent code.
struct LowerNamedBarrier : OpRewritePattern<NamedBarrierOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(NamedBarrierOp op, PatternRewriter &rewriter) const override {
    AsmBuilder a(rewriter, op.getLoc());
    StringRef name = op.getArrive() ? "llvm.nvvm.barrier.cta.arrive.aligned.count"
                                    : "llvm.nvvm.barrier.cta.sync.aligned.count";
    a.intrinsic(name, {}, {a.i32(op.getId()), a.i32(op.getThreads())});
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerWarpSync : OpRewritePattern<WarpSyncOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(WarpSyncOp op, PatternRewriter &rewriter) const override {
    AsmBuilder a(rewriter, op.getLoc());
    a.intrinsic("llvm.nvvm.bar.warp.sync", {}, {a.i32(-1)});
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerSetMaxRegisters : OpRewritePattern<SetMaxRegistersOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SetMaxRegistersOp op, PatternRewriter &rewriter) const override {
    std::string text = std::string("setmaxnreg.") + (op.getIncrease() ? "inc" : "dec") +
                       ".sync.aligned.u32 " + std::to_string(op.getCount()) + ";";
    AsmBuilder(rewriter, op.getLoc()).assembly(text, {}, {}, kMemory);
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerAnyLane : OpRewritePattern<AnyLaneOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(AnyLaneOp op, PatternRewriter &rewriter) const override {
    AsmBuilder a(rewriter, op.getLoc());
    rewriter.replaceOp(
        op, a.intrinsic("llvm.nvvm.vote.any.sync", rewriter.getI1Type(), {a.i32(-1), op.getCondition()}));
    return success();
  }
};

struct LowerElect : OpRewritePattern<ElectOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ElectOp op, PatternRewriter &rewriter) const override {
    AsmBuilder a(rewriter, op.getLoc());
    auto one = a.assembly("{\n.reg .pred p;\nelect.sync _|p, 0xffffffff;\nselp.b32 $0, 1, 0, p;\n}",
                          {rewriter.getI32Type()}, {});
    rewriter.replaceOpWithNewOp<arith::TruncIOp>(op, rewriter.getI1Type(), one.front());
    return success();
  }
};

} // namespace

void populateBarriers(RewritePatternSet &patterns, bool isHopper) {
  patterns.add<LowerMBarrierInit, LowerMBarrierFence, LowerMBarrierArrive, LowerRingSlot, LowerNamedBarrier,
               LowerWarpSync, LowerSetMaxRegisters, LowerAnyLane, LowerElect>(patterns.getContext());
  patterns.add<LowerMBarrierWait>(patterns.getContext(), isHopper ? "try_wait" : "test_wait");
}

} // namespace drawloom::dgpu
