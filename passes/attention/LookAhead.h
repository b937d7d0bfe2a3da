// What a work item asks the caches for on behalf of those that come after it.
#pragma once
#include "passes/attention/TileKernel.h"

namespace drawloom::attention {

/// Asks for rows and slots that are needed soon, some with each pair of tiles: so memory is busy all the
/// time, and never with so much that the processor, which has room for few misses, waits for it.
///
/// Where there are many slices, it asks for all of the next one, from a slice's first pair to its last. With
/// one slice it asks for what the next tile of queries needs and this one does not.
class LookAhead {
public:
  /// `slotsARow`: of a slice.
  LookAhead(const ViewInKernel &view, TileSizes sizes, double slotsARow);

  /// A tile of queries begins; its head is `position` in the view's. With one slice, `nextRow` begins the
  /// tile after it, which meets `range` when this one has met `met`.
  void enter(const Rows &rows, Value position, Value nextRow);
  /// A pair of tiles begins.
  void step();
  /// Of `memory`, `channels` a head; before a product. Not of results: whole lines are written without being
  /// read.
  void askForRows(Value memory, int64_t channels) const;
  void askForSlots(Value memory, int64_t channels) const;
  /// Nothing of the next slice has been asked for yet.
  void startSlice() const;

private:
  /// Rows or slots [from, to), of which a pair of tiles asks for `quota`.
  struct Stretch {
    int64_t quota;
    Value from = {}, to = {}, next = {};
  };
  void ask(const Stretch &stretch, mlir::AffineMap map, Value memory, int64_t channels) const;

  const ViewInKernel &view;
  const TileKernel &k;
  TileSizes sizes;
  Stretch rows, slots;
  Value pairs;                             ///< how many have begun, in scratch: items share a slice
  Value batch = {}, head = {}, slice = {}; ///< where the stretches are
};

} // namespace drawloom::attention
