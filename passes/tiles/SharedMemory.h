// Where the tiles of a kernel lie in the shared memory of its block.
#pragma once
#include "passes/tiles/Accesses.h"

namespace drawloom::tiles {

/// A buffer of a block: a tile or the scratch of one operation.
struct SharedBuffer {
  mlir::Value value;  ///< what the operations name it by
  int64_t bytes;      ///< padding included
  int64_t offset = 0; ///< a multiple of kSharedAlignment
};

inline constexpr int64_t kSharedAlignment = 128;

/// Bytes of shared memory that a block of `target` may have (CUDA's programming guide, compute
/// capabilities 8.0 and 9.0).
int64_t sharedMemoryOf(llvm::StringRef target);

/// Scratch of single operations, by operation.
using OwnScratch = llvm::DenseMap<mlir::Operation *, mlir::Value>;

/// Sets the offsets; buffers share memory if they never hold something at the same time. Returns the bytes
/// taken.
///
/// What is alive is found by going backward over the structured control flow: a loop's body is followed by
/// itself. Large buffers are placed first, each at the lowest place that no buffer alive with it takes.
int64_t layOutSharedMemory(mlir::func::FuncOp kernel, llvm::MutableArrayRef<SharedBuffer> buffers,
                           const OwnScratch &own);

} // namespace drawloom::tiles
