#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "passes/tiles/Emitter.h"
#include "passes/tiles/Passes.h"
#include "passes/tiles/Prefetch.h"

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_VECTORIZETILES
#include "passes/tiles/Passes.h.inc"

namespace {

/// Stores past the caches are seen by other threads before what follows the kernel.
void orderStoresPastCaches(func::FuncOp kernel) {
  auto found = kernel.walk([](TileStoreOp store) {
    return store.getPastCaches() ? WalkResult::interrupt() : WalkResult::advance();
  });
  if (!found.wasInterrupted()) return;
  for (auto end : kernel.getOps<func::ReturnOp>()) {
    OpBuilder b(end);
    LLVM::FenceOp::create(b, end.getLoc(), LLVM::AtomicOrdering::seq_cst, /*syncscope=*/StringRef());
  }
}

struct VectorizeTiles : impl::VectorizeTilesBase<VectorizeTiles> {
  using Base::Base;

  void runOnOperation() override {
    if (!llvm::isPowerOf2_64(vectorWidth) || registers < 4) {
      getOperation()->emitError(
          "expected vector-width to be a power of two and registers to be at least 4, got ")
          << vectorWidth.getValue() << " and " << registers.getValue();
      return signalPassFailure();
    }
    auto memory = getOperation()->walk([](Operation *op) {
      for (Type type : op->getOperandTypes())
        if (isa<TileLoadOp, TileStoreOp>(op) && !getElementTypeOrSelf(type).isF32() &&
            isa<MemRefType>(type)) {
          op->emitOpError() << "expected memory of f32 on a CPU, got " << type;
          return WalkResult::interrupt();
        }
      return WalkResult::advance();
    });
    if (memory.wasInterrupted()) return signalPassFailure();
    getOperation()->walk([](func::FuncOp kernel) { orderStoresPastCaches(kernel); });
    getOperation()->walk([&](Operation *op) {
      llvm::TypeSwitch<Operation *>(op)
          .Case([&](TilePrefetchOp prefetch) {
            if (tiles::productAfter(prefetch)) // which takes it
              return;
            OpBuilder builder(prefetch);
            tiles::lower(prefetch, tiles::Emitter(builder, prefetch.getLoc(), vectorWidth, registers));
            prefetch.erase();
          })
          .Case<TileLoadOp, TileStoreOp, TileFillOp, TileMatmulOp, TileExtentsOp, TileMaskOp,
                TileSoftmaxStepOp, TileSoftmaxFinishOp, TileSoftmaxGradOp, TileDotOp>([&](auto tileOp) {
            OpBuilder builder(tileOp);
            tiles::lower(tileOp, tiles::Emitter(builder, tileOp.getLoc(), vectorWidth, registers));
            tileOp.erase();
          });
    });
  }
};

} // namespace
} // namespace drawloom
