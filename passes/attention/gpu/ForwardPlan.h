// How a warp-specialized forward kernel is cut: tile extents, rings, blocks of a multiprocessor.
#pragma once
#include "dialect/ir/Dialect.h"
#include "passes/attention/TileKernel.h"

namespace drawloom::attention {

/// Extents of a forward kernel.
struct ForwardCut {
  int64_t groups;            ///< consumer warp groups, each with 64 queries of the tile
  int64_t columns;           ///< keys of a tile
  int64_t queryStages;       ///< query tiles in shared memory
  int64_t keyStages;         ///< key tiles, and value tiles
  bool queriesInRegisters;   ///< spares shared memory's bandwidth, which limits products of few columns
  int64_t blocks;            ///< of a multiprocessor
  int64_t consumerRegisters; ///< of a thread after the warp groups have shared them out anew; 0: they do not
  int64_t items = 1;         ///< query tiles of a block, whose loads run ahead of the work
  bool longestFirst =
      true; ///< the order of items: query tiles that meet most keys first, or neighbours in memory first
  int64_t launched = 1; ///< blocks that take turns: a block's items are so far apart
  /// Scores are taken to be no much greater than those of the tiles before them, and a tile is done over
  /// where its sums show that they are (ForwardKernel::meetTile).
  bool expectsNoGreater = false;

  int64_t rows() const { return groups * 64; }
  int64_t producers() const { return consumerRegisters ? 128 : 32; } ///< threads that start bulk copies
};

/// What the choice depends on.
struct ForwardWork {
  int64_t dQk, dV;
  int64_t rows, keys; ///< the most that a slice has
  int64_t slices;     ///< of all heads and batches together
  bool continues;     ///< reads an output tile too
  bool isBulk; ///< tiles come by bulk copies; else all 128 threads of a producing warp group gather them
  bool hasManySlices; ///< several slices a head
  bool isHopper;      ///< sm_90a: products by warp groups, registers shared out anew; else sm_80
};

/// Bytes of shared memory that the tiles take.
int64_t sharedBytes(const ForwardWork &work, const ForwardCut &cut);

/// Shares the query tiles out among as many blocks as the card holds at once: fills in `items` and
/// `launched`.
void shareOut(const ForwardWork &work, ForwardCut &cut);

/// The first `most` cuts for a view, of which the cost model takes the first. Only what fits a multiprocessor
/// (227 KiB of shared memory on sm_90a, 163 KiB on sm_80, 64 Ki registers) is offered.
llvm::SmallVector<ForwardCut> forwardCuts(const PieceView &view, const ForwardWork &work, size_t most);

/// The cut as text.
std::string describeCut(const ForwardCut &cut);

/// Whether a kernel for two views of one slice each may have the product of probabilities and values pending
/// from the first view's keys to the second's (ForwardSpec).
bool startsWithOneTile(const PieceView &first, const PieceView &second, const ForwardCut &cut);

} // namespace drawloom::attention
