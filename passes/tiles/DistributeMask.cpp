// tile.extents and tile.mask by the threads of a block.
#include "passes/tiles/BlockEmitter.h"
#include "passes/tiles/Membership.h"
#include "passes/tiles/SoftmaxConstants.h"

using namespace mlir;

namespace drawloom::tiles {

/// All of the tile is masked, not just what is within the extents: the ops that follow need not look at them.
void distribute(TileMaskOp op, const BlockEmitter &e) {
  Value scores = op.getScores();
  int64_t keys = shapeOf(scores)[0], queries = shapeOf(scores)[1],
          parts = partsOf(e.context.threads, keys, queries);
  e.phase([&](Value thread) {
    e.forEachColumn(thread, queries, parts, [&](Value x, Value part) {
      Membership view(op, e);
      MaskRows rows = view.rowsAt(toVector(e, x, view.elementType(), 1));
      Value none = e.constant(-kInf, 1);
      e.loop(part, e.index(keys), parts, [&](Value y) {
        Value belongs = view.contains(rows, e.add(op.getSlot(), y));
        Value score = e.loadTile(scores, {y, x}, 1);
        e.storeTile(arith::SelectOp::create(e.b, e.loc, belongs, score, none), scores, {y, x});
      });
    });
  });
}

void distribute(TileExtentsOp op, const BlockEmitter &e) {
  Value extents = e.sharedOf(op.getExtents());
  e.phase([&](Value thread) {
    e.forEach(thread, shapeOf(op.getExtents())[0], [&](Value group) {
      auto [from, to] = extentsOf(op, e.apply(e.dim(0) * int64_t(op.getGroup()), group), e);
      memref::StoreOp::create(e.b, e.loc, from, extents, ValueRange{group, e.index(0)});
      memref::StoreOp::create(e.b, e.loc, to, extents, ValueRange{group, e.index(1)});
    });
  });
}

} // namespace drawloom::tiles
