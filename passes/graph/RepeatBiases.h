// A biased row that several fusions read is not stored: each adds the bias again.
#pragma once
#include "mlir/IR/Block.h"

namespace drawloom {

/// Where the result of a fusion is x + bias, and only fusions read it, they read x instead and add the bias
/// themselves: x is there anyway, and one addition costs less than writing a row. Returns how many fusions do
/// so now.
unsigned repeatBiases(mlir::Block &block);

} // namespace drawloom
