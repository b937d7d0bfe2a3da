// What a network costs: query-key pairs and floating-point operations, counted from its patterns.
#pragma once
#include "frontend/build/Network.h"

namespace drawloom {

/// Query-key pairs of one layer, all heads and queries of one sequence together.
int64_t pairsOfLayer(const Network &network, int64_t layer);

/// Useful floating-point operations of one token, forward, averaged over the sequence; two a multiply-add,
/// attention by exact pairs. A training step costs three times as much.
struct TokenFlops {
  double linear = 0, attention = 0;
  double total() const { return linear + attention; }
};
TokenFlops flopsPerToken(const Network &network);

} // namespace drawloom
