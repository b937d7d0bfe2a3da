// The zeros that owners of keys write beside their gradients: where no key or no query of the view is.
#include "passes/attention/gpu/RelayKernel.h"

using namespace mlir;

namespace drawloom::attention {
namespace {

constexpr int64_t kLanes = 8, kAlignment = 16; ///< of a 16-byte piece

} // namespace

/// By the owner of a slice's first keys: zeros for pairs of query tiles that nobody meets, through the places
/// that the turn `step` would have.
void RelayKernel::clearQueries(const Item &item, Value step) const {
  Value zero = g.i32(0);
  g.when(g.equal(g.toI32(item.own.first), 0), [&] {
    shares.waitEmpty(g, shares.slot(g, step));
    Value pairs = g.toI32(k.apply(k.dim(0).ceilDiv(kPairRows), item.other));
    g.loop(zero, pairs, 1, {}, [&](Value pair, ValueRange) {
      Value tile = g.add(g.mul(pair, 2), g.add(g.group, -1)), first = g.toIndex(g.mul(tile, kTile));
      Value exists = k.less(first, item.other);
      g.when(g.both(exists, isMetByNobody(item, pair)), [&] {
        storeQueries(item, tile, g.splat(g.accumulator(spec.shape.dQk), 0),
                     scoreGradientsAt(step, g.add(g.group, -1)));
      });
      return SmallVector<Value>();
    });
  });
}

/// By the consumers: zeros for dK and dV of the positions after each owned key up to the next key, and of
/// those before the first. A warp takes neighbouring keys.
void RelayKernel::clearKeys(const Item &item) const {
  const TilePlace &own = item.own;
  auto positionOf = [&](Value slot) {
    return g.toI32(k.apply(stream.ownSide.position(), {own.head, own.slice, slot}));
  };
  int64_t warps = spec.cut.groups * kWarpsInGroup, slots = spec.cut.ownRows() / warps;
  Value warp = g.add(g.warp(), -kWarpsInGroup); // of the consumers, who come after the producers
  Value first = g.add(g.toI32(own.first), g.mul(warp, slots)), extent = g.toI32(own.extent);
  Value positions = g.i32(spec.shape.n);
  g.when(g.equal(first, 0), [&] { clearRows(item, g.i32(0), positionOf(k.index(0))); });
  g.loop(first, g.min(g.add(first, slots), extent), 1, {}, [&](Value slot, ValueRange) {
    Value next = g.add(slot, 1);
    Value end = g.choose(
        g.less(next, extent), TypeRange(next.getType()),
        [&] { return SmallVector<Value>{positionOf(g.toIndex(next))}; },
        [&] { return SmallVector<Value>{positions}; })[0];
    clearRows(item, g.add(positionOf(g.toIndex(slot)), 1), end);
    return SmallVector<Value>();
  });
}

/// By a warp: positions [from, to) (i32) of dK and dV, 16 bytes a lane.
void RelayKernel::clearRows(const Item &item, Value from, Value to) const {
  auto clear = [&](unsigned argument, int64_t channels) {
    Value memref = k.kernel.memref(argument);
    Type element = cast<MemRefType>(memref.getType()).getElementType();
    Value zeros = g.splat(g.vector({kLanes}, element), 0);
    int64_t pieces = channels / kLanes;
    Value end = g.mul(g.sub(to, from), pieces);
    g.loop(g.lane(), end, kWarpThreads, {}, [&](Value number, ValueRange) {
      Value row = g.toIndex(g.add(from, g.div(number, pieces)));
      Value channel =
          k.apply(k.dim(0) * channels + k.dim(1) * kLanes, {item.own.head, g.toIndex(g.rem(number, pieces))});
      g.store(zeros, memref, {item.own.batch, row, channel}, kAlignment);
      return SmallVector<Value>();
    });
  };
  clear(spec.first, spec.shape.dQk);
  clear(spec.values, spec.shape.dV);
}

} // namespace drawloom::attention
