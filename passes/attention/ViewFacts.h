// What lowering asks about a view as a whole.
#pragma once
#include "dialect/pattern/View.h"

namespace drawloom::attention {

struct ViewFacts {
  int64_t pairs;        ///< of all heads together
  int64_t slices;       ///< the most that a head has
  int64_t rows, keys;   ///< the most that a slice has
  bool coversRows;      ///< every query of every head is a row
  bool coversKeys;      ///< every key of every head is a slot
  bool keysAreDisjoint; ///< no two slices of a head share a key

  double slotsARow() const { return rows ? double(keys) / double(rows) : 0; } ///< of a slice
};

/// O(slices + pairs' rows + keys) a head, once for all heads if no map uses the head.
ViewFacts factsOf(const PieceView &view, int64_t n, int64_t heads);

} // namespace drawloom::attention
