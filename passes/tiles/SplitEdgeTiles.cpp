#include "passes/tiles/Passes.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_SPLITEDGETILES
#include "passes/tiles/Passes.h.inc"

namespace {

/// The mask of the tiles that `loop` advances over, if it can be taken out of part of the loop.
TileMaskOp maskOf(scf::ForOp loop) {
  for (auto mask : loop.getOps<TileMaskOp>()) {
    Value i = loop.getInductionVar();
    bool advances = mask.getRow() == i || mask.getSlot() == i;
    bool rangeIsOutside = loop.isDefinedOutsideOfLoop(mask.getWholeFrom()) && loop.isDefinedOutsideOfLoop(mask.getWholeTo());
    if (advances && rangeIsOutside && loop.getInitArgs().empty() && getConstantIntValue(loop.getStep()))
      return mask;
  }
  return nullptr;
}

/// Where the whole tiles of a loop begin and end: a multiple of the step from its start, or its end.
struct WholeTiles {
  Value from, to;
};

WholeTiles wholeTiles(scf::ForOp loop, TileMaskOp mask, OpBuilder &b) {
  Location loc = loop.getLoc();
  int64_t step = *getConstantIntValue(loop.getStep());
  AffineExpr start = b.getAffineDimExpr(0), whole = b.getAffineDimExpr(1);
  // The first tile boundary at or after whole_from; then as many tiles as end by whole_to.
  AffineMap firstMap = AffineMap::get(2, 0, start + (whole - start).ceilDiv(step) * step);
  AffineMap lastMap = AffineMap::get(2, 0, start + (whole - start).floorDiv(step) * step);
  Value from = affine::AffineApplyOp::create(b, loc, firstMap, ValueRange{loop.getLowerBound(), mask.getWholeFrom()});
  from = arith::MaxSIOp::create(b, loc, from, loop.getLowerBound());
  from = arith::MinSIOp::create(b, loc, from, loop.getUpperBound()); // if the loop ends first, nothing follows
  Value end = arith::MinSIOp::create(b, loc, mask.getWholeTo(), loop.getUpperBound());
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

/// In a loop over whole tiles nothing is masked and every row of the tiles exists.
void dropEdges(scf::ForOp loop) {
  for (Operation &op : llvm::make_early_inc_range(*loop.getBody())) {
    if (isa<TileMaskOp>(op))
      op.erase();
    else if (auto load = dyn_cast<TileLoadOp>(op); load && load.getAt().back() == loop.getInductionVar())
      load.getLimitMutable().clear();
    else if (auto store = dyn_cast<TileStoreOp>(op); store && store.getAt().back() == loop.getInductionVar())
      store.getLimitMutable().clear();
  }
}

struct SplitEdgeTiles : impl::SplitEdgeTilesBase<SplitEdgeTiles> {
  void runOnOperation() override {
    SmallVector<std::pair<scf::ForOp, TileMaskOp>> loops;
    getOperation()->walk([&](scf::ForOp loop) {
      if (TileMaskOp mask = maskOf(loop))
        loops.push_back({loop, mask});
    });
    for (auto [loop, mask] : loops) {
      OpBuilder b(loop);
      WholeTiles whole = wholeTiles(loop, mask, b);
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
