#include "mlir/IR/IRMapping.h"
#include "passes/tiles/Passes.h"

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_SPLITEDGETILES
#include "passes/tiles/Passes.h.inc"

namespace {

/// The extents of the tiles that `loop` advances over, if part of the loop can do without them.
TileExtentsOp extentsOf(scf::ForOp loop) {
  for (auto extents : loop.getOps<TileExtentsOp>()) {
    Value i = loop.getInductionVar();
    bool advances = extents.getRow() == i || extents.getSlot() == i;
    bool rangeIsOutside = loop.isDefinedOutsideOfLoop(extents.getWholeFrom()) &&
                          loop.isDefinedOutsideOfLoop(extents.getWholeTo());
    if (advances && rangeIsOutside && loop.getInitArgs().empty() && getConstantIntValue(loop.getStep()))
      return extents;
  }
  return nullptr;
}

/// Where the whole tiles of a loop begin and end: a multiple of the step from its start, or its end.
struct WholeTiles {
  Value from, to;
};

WholeTiles wholeTiles(scf::ForOp loop, TileExtentsOp extents, OpBuilder &b) {
  Location loc = loop.getLoc();
  int64_t step = *getConstantIntValue(loop.getStep());
  AffineExpr start = b.getAffineDimExpr(0), whole = b.getAffineDimExpr(1);
  // The first tile boundary at or after whole_from; then as many tiles as end by whole_to.
  AffineMap firstMap = AffineMap::get(2, 0, start + (whole - start).ceilDiv(step) * step);
  AffineMap lastMap = AffineMap::get(2, 0, start + (whole - start).floorDiv(step) * step);
  Value from = affine::AffineApplyOp::create(b, loc, firstMap,
                                             ValueRange{loop.getLowerBound(), extents.getWholeFrom()});
  from = arith::MaxSIOp::create(b, loc, from, loop.getLowerBound());
  from =
      arith::MinSIOp::create(b, loc, from, loop.getUpperBound()); // if the loop ends first, nothing follows
  Value end = arith::MinSIOp::create(b, loc, extents.getWholeTo(), loop.getUpperBound());
  Value to = affine::AffineApplyOp::create(b, loc, lastMap, ValueRange{from, end});
  to = arith::MaxSIOp::create(b, loc, to, from);
  return {from, to};
}

scf::ForOp copyLoop(scf::ForOp loop, Value from, Value to, OpBuilder &b) {
  auto copy = cast<scf::ForOp>(b.clone(*loop));
  copy.setLowerBound(from);
  copy.setUpperBound(to);
  return copy;
}

/// In a loop over whole tiles every pair and every row exists: no extents, no mask, no limits.
void dropEdges(scf::ForOp loop) {
  for (Operation &op : llvm::make_early_inc_range(*loop.getBody())) {
    llvm::TypeSwitch<Operation *>(&op)
        .Case<TileExtentsOp, TileMaskOp>([](Operation *op) { op->erase(); })
        .Case<TileMatmulOp, TileSoftmaxStepOp, TileSoftmaxGradOp>(
            [](auto op) { op.getExtentsMutable().clear(); })
        .Case<TileLoadOp, TileStoreOp>([&](auto op) {
          if (op.getAt().back() == loop.getInductionVar()) op.getLimitMutable().clear();
        });
  }
}

struct SplitEdgeTiles : impl::SplitEdgeTilesBase<SplitEdgeTiles> {
  void runOnOperation() override {
    SmallVector<std::pair<scf::ForOp, TileExtentsOp>> loops;
    getOperation()->walk([&](scf::ForOp loop) {
      if (TileExtentsOp extents = extentsOf(loop)) loops.push_back({loop, extents});
    });
    for (auto [loop, extents] : loops) {
      OpBuilder b(loop);
      WholeTiles whole = wholeTiles(loop, extents, b);
      copyLoop(loop, loop.getLowerBound(), whole.from, b);
      dropEdges(copyLoop(loop, whole.from, whole.to, b));
      copyLoop(loop, whole.to, loop.getUpperBound(), b);
      loop.erase();
      ++numSplit;
    }
  }
};

} // namespace
} // namespace drawloom
