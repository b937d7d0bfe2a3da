#include "passes/attention/gpu/BackwardPlan.h"
#include <algorithm>

namespace drawloom::attention {
namespace {

constexpr int64_t kReserved = 2048;   ///< of shared memory, for barriers and alignment
constexpr int64_t kShortStream = 512; ///< rows: what comes before and after the stream counts
constexpr int64_t kMostSharedChannels = 128;
constexpr int64_t kOverhead = 40; ///< addresses, bounds, loop counters
constexpr int64_t kTurn = 16;     ///< at a pair of query tiles, while products run

} // namespace

/// Accumulators of 64 rows hold half as many registers as they have columns.
int64_t registersOf(const Shape &shape, Owner owner, const OwnerCut &cut) {
  int64_t count = kOverhead;
  if (makesFirst(owner)) count += shape.dQk / 2;
  if (makesValues(owner)) count += shape.dV / 2;
  if (relaysQueries(owner)) count += shape.dQk / 2 + kTurn;
  count += cut.columns / 2 * (makesFirst(owner) ? 2 : 1); // S and dP
  count += cut.columns / 4;                               // P or dS, packed
  return count;
}

int64_t sharedBytes(const Shape &shape, Owner owner, const OwnerCut &cut) {
  int64_t channels = (shape.dQk + shape.dV) * 2, statistics = ownsKeys(owner) ? 8 : 0;
  return cut.ownRows() * channels + cut.stages * cut.columns * (channels + statistics) + kReserved;
}

bool canOwnBoth(const Shape &shape) { return shape.dQk + shape.dV <= 256; }

OwnerCut chooseOwnerCut(const Shape &shape, Owner owner, int64_t longest, int64_t met, int64_t shared) {
  // ptxas wants a product's operands to fit the registers that a thread starts with, which are 128 where two
  // blocks share.
  bool isShort = met < kShortStream, canShare = std::max(shape.dQk, shape.dV) <= kMostSharedChannels;
  int64_t groups = longest > 64 && !(isShort && canShare) ? 2 : 1, blocks = groups == 1 && canShare ? 2 : 1;
  // The owned operands stay in shared memory: ptxas 13.0 has been seen to give a fragment's registers away
  // while a loop still needs them.
  for (int64_t columns : {128, 64, 32, 16})
    for (int64_t stages : {3, 2}) {
      if (columns > 64 && (ownsKeys(owner) || isShort)) continue;
      OwnerCut cut{groups, columns, stages, blocks};
      if (registersOf(shape, owner, cut) <= cut.consumerRegisters(true) &&
          sharedBytes(shape, owner, cut) <= shared / blocks)
        return cut;
    }
  return {1, 16, 1, 1};
}

} // namespace drawloom::attention
