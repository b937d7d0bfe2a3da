#include "passes/attention/SliceTensor.h"

using namespace mlir;

namespace drawloom::attention {

SliceTensor::SliceTensor(const TileKernel &k, int64_t slots, int64_t tileSlots, int64_t channels)
    : k(k), slots(slots), tileSlots(tileSlots), channels(channels),
      scratch(k.tile({slots + tileSlots, channels})) {}

bool SliceTensor::fits(int64_t slots, int64_t channels) {
  constexpr int64_t kBytes = 256 << 10;
  return slots * channels * int64_t(sizeof(float)) <= kBytes;
}

Value SliceTensor::rows(OpFoldResult first, int64_t count) const {
  auto number = [&](int64_t x) -> OpFoldResult { return k.b.getIndexAttr(x); };
  SmallVector<OpFoldResult> offsets{first, number(0)}, extents{number(count), number(channels)},
      strides{number(1), number(1)};
  return memref::SubViewOp::create(k.b, k.loc, scratch, offsets, extents, strides);
}

void SliceTensor::load(const ViewInKernel &view, const Place &at, Value source) const {
  int64_t read = slots + std::min(tileSlots, kExtentKeys); // extents are rounded
  k.load(rows(k.b.getIndexAttr(0), read), source, at.batch, k.channel(at.head, channels), view.view.key,
         {at.head, at.slice, k.index(0)}, at.slots);
}

void SliceTensor::store(const ViewInKernel &view, const Place &at, Value target,
                        const Written &written) const {
  k.store(rows(k.b.getIndexAttr(0), slots), target, at.batch, k.channel(at.head, channels), view.view.key,
          {at.head, at.slice, k.index(0)}, at.slots, written);
}

void SliceTensor::clear(Value from, Value to) const {
  k.loop(from, to, 1, [&](Value slot) { k.fill(rows(slot, 1), 0.0); });
}

} // namespace drawloom::attention
