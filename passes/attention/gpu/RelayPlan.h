// When dQ goes from one owner of keys to the next, and how that kernel is cut.
#pragma once
#include "dialect/pattern/View.h"
#include "passes/attention/gpu/BackwardPlan.h"
#include <optional>

namespace drawloom::attention {

/// Tiles of 64 queries by the owned keys whose dS^T a block keeps.
inline constexpr int64_t kRelayTiles = 4;

/// A cut whose accumulators fit a thread's registers and whose tiles fit `shared` bytes, if there is one.
std::optional<OwnerCut> chooseRelayCut(const Shape &shape, int64_t shared);

struct RelayFacts {
  int64_t pairs;     ///< pairs of query tiles, 128 rows, that a slice has at most
  bool meetsQueries; ///< every pair meets some keys
  bool hasOwners;    ///< every slice with queries has keys
};

/// What a relay needs to know of a view. Nothing if it cannot serve it: it must be told by their extents
/// alone which tiles of 128 keys meet which pairs of query tiles, and both sides must say the same.
std::optional<RelayFacts> relayFacts(const PieceView &view, int64_t ownRows);

/// Whether each head has one slice, with a key or more, in the order of positions.
bool keysAscend(const PieceView &view);

} // namespace drawloom::attention
