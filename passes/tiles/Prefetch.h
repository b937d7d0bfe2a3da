// Prefetches that are spread over the steps of a product.
#pragma once
#include "passes/tiles/Emitter.h"

namespace drawloom::tiles {

/// The product that the prefetch is spread over, or null: only arithmetic stands between.
TileMatmulOp productAfter(TilePrefetchOp op);

/// The prefetches before a product with only arithmetic between: a few lines with each step of the product's
/// loops, the rest at the end.
class SpreadPrefetches {
public:
  /// `steps`: about how many steps the product takes when it runs.
  SpreadPrefetches(TileMatmulOp product, const Emitter &e, int64_t steps);
  /// At the emitter's place, once a step.
  void step() const;
  /// After the last step; erases the prefetches.
  void finish() const;

private:
  struct Stream {
    mutable TilePrefetchOp op; // accessors of ops are not const
    Value rows, last;          ///< how many rows there are, and one less
    int64_t parts;             ///< of a row: one a step
  };
  Value quotient(Value x, int64_t divisor) const;

  const Emitter &e;
  llvm::SmallVector<Stream> streams;
  Value done = {}; ///< steps, in scratch: they are in several loops
};

} // namespace drawloom::tiles
