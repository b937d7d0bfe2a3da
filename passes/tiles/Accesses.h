// Which memory an operation of a kernel touches: what the passes that place tiles and barriers ask.
#pragma once
#include "dialect/ir/Dialect.h"

namespace drawloom::tiles {

/// Memory as the value that names it: a tile, or an argument of the kernel.
struct Accesses {
  llvm::SmallVector<mlir::Value, 4> reads, writes;
  llvm::SmallVector<mlir::Value, 2> defines; ///< of `writes`: every element, whatever it held before
};

/// Of one operation, without those in its regions. A scratch buffer of the operation itself (`own`, may be
/// null) is defined and read by it.
Accesses accessesOf(mlir::Operation *op, mlir::Value own = {});

/// A tile op, or an access to a kernel's arguments.
bool touchesMemory(mlir::Operation *op);

} // namespace drawloom::tiles
