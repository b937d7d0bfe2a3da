// The kernel of tile ops that makes the gradients of a piece.
#pragma once
#include "passes/attention/DeltaSource.h"
#include "passes/attention/TileKernel.h"

namespace drawloom::attention {

/// Memrefs of the kernel; the gradients that are wanted follow, dQ before dK before dV, then delta if it is
/// kept. `kDelta` is the output O where the kernel makes delta.
enum BackwardInput { kDOut, kQ, kK, kV, kLse, kDelta, kFirstGrad };

/// Which gradients a kernel computes.
struct Wanted {
  bool queries, keys;
};

/// A kernel's shape, view and work items.
struct Backward {
  Shape shape;
  TileSizes sizes;
  ViewAttr view;
  Wanted wanted;
  bool continues;          ///< adds to what the gradients hold
  int64_t slices;          ///< the most that a head has
  int64_t tiles;           ///< of queries (or, if only keys are wanted, keys) in a slice: the most
  bool ownsWholeSlice;     ///< an item is all tiles of a slice; else a tile
  bool slicesShareKeys;    ///< then an item is all slices of a head
  double slotsARow;        ///< of a slice
  int64_t keptSlots = 0;   ///< of a slice, which an item keeps until it has met them all; 0: it does not
  bool pastCaches = false; ///< go results that are written once
  DeltaSource delta = DeltaSource::Given; ///< else an item owns a whole slice

  int64_t items() const {
    int64_t heads = shape.batch * int64_t(view.getHeads().size());
    return heads * (slicesShareKeys ? 1 : slices) * (ownsWholeSlice ? 1 : tiles);
  }
  /// An item has one query tile, and its slots are its own.
  bool meetsSlotsOnce() const { return ownsWholeSlice && !slicesShareKeys && tiles == 1; }
  std::string describeVariant() const {
    std::string text;
    llvm::raw_string_ostream(text) << wanted.queries << wanted.keys << continues << ownsWholeSlice
                                   << slicesShareKeys << keptSlots << pastCaches << int(delta) << ",";
    return text;
  }
};

/// From a pair of tiles' scores S and dP: dV += P dO, dK += dS Q, dQ += dS K, of the items that the kernel is
/// called with.
void buildBackward(const Backward &spec, const TileKernel &k);

} // namespace drawloom::attention
