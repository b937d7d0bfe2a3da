// How large the tiles of a GPU's blocks are.
#pragma once
#include "passes/attention/TileSizes.h"

namespace drawloom::attention {

/// Which products a kernel of scalar tiles does.
enum class BlockKernel { Forward, AllGradients, QueryGradients, KeyGradients };

/// What the choice depends on besides the view.
struct BlockWork {
  BlockKernel kernel;
  int64_t dQk, dV;    ///< channels a head
  int64_t slices;     ///< of all batch entries and heads together
  int64_t rows, keys; ///< of a slice, at most
  int64_t threads;    ///< of a block
  int64_t shared;     ///< bytes of shared memory that a block may have
};

/// Bytes of shared memory that the tiles take, those that share memory counted once.
int64_t sharedBytes(TileSizes sizes, const BlockWork &work);

struct BlockTiles {
  TileSizes sizes;
  double cost; ///< comparable between kernels that do the same rows
};

/// The tile extents with the least estimated time, in cycles of a multiprocessor: multiply-adds by the
/// threads' register blocks, exponentials, loads; and, for each tile, barriers and the latency of memory,
/// which the blocks that share a multiprocessor hide. A card that is not full counts as such.
BlockTiles chooseBlockTiles(const PieceView &view, const BlockWork &work);

} // namespace drawloom::attention
