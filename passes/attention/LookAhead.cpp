#include "passes/attention/LookAhead.h"
#include <cmath>

using namespace mlir;

namespace drawloom::attention {

LookAhead::LookAhead(const ViewInKernel &view, TileSizes sizes, double slotsARow)
    : view(view), k(view.k), sizes(sizes) {
  double rowsAPair = 1 / std::max(sampleRow(view.view, sizes, [](const Met &met) { return met.tiles; }),
                                  1.0 / double(sizes.queries));
  rows.quota = int64_t(std::ceil(rowsAPair));
  slots.quota = int64_t(std::ceil(rowsAPair * slotsARow));
  pairs = k.scratch(MemRefType::get({1}, k.b.getIndexType()));
  startSlice(); // a thread's first item may be in the middle of a slice
}

void LookAhead::startSlice() const {
  memref::StoreOp::create(k.b, k.loc, k.index(0), pairs, ValueRange{k.index(0)});
}

void LookAhead::enter(const Rows &tile, Value position, Value nextRow) {
  batch = tile.batch;
  if (view.hasManySlices()) {
    std::tie(head, slice) = view.after(tile.slice, position);
    rows.from = slots.from = k.index(0);
    rows.to = view.rows(head, slice);
    slots.to = view.keys(head, slice);
    return;
  }
  startSlice();
  head = tile.head, slice = tile.slice;
  rows.from = nextRow;
  rows.to = tile.limit;
  Rows next = tile;
  next.row = nextRow;
  ViewInKernel::Range now = view.keySlots(tile, sizes.queries), then = view.keySlots(next, sizes.queries);
  // Tiles go up or down: what the next one needs more begins before this one's slots, or ends after them.
  Value isBefore = k.less(then.from, now.from);
  slots.from = arith::SelectOp::create(k.b, k.loc, isBefore, then.from, k.max(now.to, then.from));
  slots.to = arith::SelectOp::create(k.b, k.loc, isBefore, k.min(now.from, then.to), then.to);
}

void LookAhead::step() {
  SmallVector<Value> at{k.index(0)};
  Value pair = memref::LoadOp::create(k.b, k.loc, pairs, at);
  memref::StoreOp::create(k.b, k.loc, k.apply(k.dim(0) + 1, pair), pairs, at);
  for (Stretch *s : {&rows, &slots}) s->next = k.apply(k.dim(0) + k.dim(1) * s->quota, {s->from, pair});
}

void LookAhead::askForRows(Value memory, int64_t channels) const {
  ask(rows, view.view.query, memory, channels);
}

void LookAhead::askForSlots(Value memory, int64_t channels) const {
  ask(slots, view.view.key, memory, channels);
}

void LookAhead::ask(const Stretch &s, AffineMap map, Value memory, int64_t channels) const {
  TilePrefetchOp::create(k.b, k.loc, memory, batch, k.channel(head, channels),
                         ValueRange{head, slice, s.next}, s.to, map, s.quota, channels, /*write=*/false);
}

} // namespace drawloom::attention
