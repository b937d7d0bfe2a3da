// Where the threads of a block must wait for one another.
#pragma once
#include "passes/tiles/SharedMemory.h"

namespace drawloom::tiles {

/// The operations before which a barrier stands: those that touch memory which others may have written, or
/// write memory which others may have read, since the last barrier. Buffers that share memory are the same
/// memory.
llvm::DenseSet<mlir::Operation *> findBarriers(mlir::func::FuncOp kernel,
                                               llvm::ArrayRef<SharedBuffer> buffers, const OwnScratch &own);

} // namespace drawloom::tiles
