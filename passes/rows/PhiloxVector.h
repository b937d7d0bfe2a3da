// Philox4x32-10 on vectors, word for word what runtime/abi/Philox.h computes.
#pragma once
#include "passes/rows/RowProgram.h"
#include <array>

namespace drawloom::rows {

/// What keys a launch's random numbers: i64 seed and step, i32 site.
struct PhiloxKey {
  mlir::Value seed, step, site;
};

/// abi::philoxBlock for each lane of `block` (a vector of i32, on a CPU with an even number of lanes): four
/// vectors of words.
std::array<mlir::Value, 4> philoxBlocks(Math m, const PhiloxKey &key, mlir::Value block);

/// abi::dropoutWord of the elements of a tile whose first element has the row-major index `element` (index
/// type). With `aligned`, `element` is known to be a multiple of 4 (on a GPU: and lanes too), and a block
/// serves four lanes; else each lane computes its own.
Tile philoxWords(const TileContext &at, const PhiloxKey &key, mlir::Value element, bool aligned);

} // namespace drawloom::rows
