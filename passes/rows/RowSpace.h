// The rows of a kernel and how they are cut into work items.
#pragma once
#include "passes/rows/Chunks.h"

namespace drawloom::rows {

struct RowSpace {
  int64_t rows = 0;               ///< rows, or chunks of a flat program
  int64_t perItem = 1;            ///< rows of a work item
  int64_t flatElements = 0;       ///< elements of a flat program's tensors; 0 if the program has rows
  int64_t flatChunk = kFlatChunk; ///< elements of a flat program's chunk

  bool isFlat() const { return flatElements != 0; }
  int64_t items() const { return ceilDiv(rows, perItem); }
};

} // namespace drawloom::rows
