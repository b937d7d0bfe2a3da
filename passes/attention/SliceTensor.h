// What a kernel keeps of a slice while all of its queries meet it.
#pragma once
#include "passes/attention/TileKernel.h"

namespace drawloom::attention {

/// The rows of a tensor for all key slots of a slice, side by side in scratch: gathered once for all tiles of
/// queries, and written once. In memory they may be a power of two apart and push one another out of a cache.
class SliceTensor {
public:
  /// Of at most `slots` a slice, in tiles of `tileSlots` that begin at any of them.
  SliceTensor(const TileKernel &k, int64_t slots, int64_t tileSlots, int64_t channels);
  /// Whether so many tensors with `channels` together leave most of a second-level cache to other things.
  static bool fits(int64_t slots, int64_t channels);

  /// Which slice's, and how many slots it has.
  struct Place {
    Value batch, head, slice, slots;
  };
  /// From memory [B, n, H * channels]; the last slots' vectors may read a few rows more, which are zero.
  void load(const ViewInKernel &view, const Place &place, Value source) const;
  void store(const ViewInKernel &view, const Place &place, Value target, const Written &written) const;
  /// Slots [from, to) become zero.
  void clear(Value from, Value to) const;
  void clear() const { k.fill(scratch, 0.0); }

  /// [tileSlots, channels] from `slot` on; what follows the slice is of no use, but there.
  Value tile(Value slot) const { return rows(slot, tileSlots); }

private:
  Value rows(mlir::OpFoldResult first, int64_t count) const;

  const TileKernel &k;
  int64_t slots, tileSlots, channels;
  Value scratch;
};

} // namespace drawloom::attention
