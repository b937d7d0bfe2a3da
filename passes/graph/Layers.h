// The layers of a model, as the labels of recompute units name them.
#pragma once
#include "dialect/ir/Dialect.h"

namespace drawloom {

/// The unit of recomputation that `op` belongs to, "layers.3.attention", as its layer and its part; both
/// empty if it belongs to none.
std::pair<llvm::StringRef, llvm::StringRef> layerAndPart(mlir::Operation &op);

/// The layers of `block` in program order. Their names live as long as the context.
llvm::SmallVector<llvm::StringRef> findLayers(mlir::Block &block);

} // namespace drawloom
