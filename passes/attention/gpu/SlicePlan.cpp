#include "passes/attention/gpu/SlicePlan.h"
#include "dialect/pattern/ViewQuery.h"
#include "passes/gpu/GpuBuilder.h"
#include <algorithm>

namespace drawloom::attention {
namespace {

constexpr int64_t kPart = 64, kMostParts = 4;
constexpr int64_t kSharedOfBlock = 227 * 1024,
                  kSharedReserve = 1024; ///< what a block can have, and what it costs besides
constexpr int64_t kAllRegisters = 64 * 1024;
constexpr int64_t kRegisters = 232;
constexpr int64_t kOverhead = 40,
                  kLeastOverhead = 24; ///< addresses, bounds, loop counters; with some of them spilled

void widen(PartRange &range, int64_t from, int64_t to) {
  range = range.size() ? PartRange{std::min(range.from, from), std::max(range.to, to)} : PartRange{from, to};
}

} // namespace

int64_t PartPairs::before(int64_t queryPart) const {
  int64_t sum = 0;
  for (int64_t q = 0; q < queryPart; ++q) sum += keysOf[q].size();
  return sum;
}

PartPairs findPartPairs(const PieceView &view, int64_t rows, int64_t keys) {
  PartPairs pairs;
  pairs.keysOf.resize(llvm::divideCeil(rows, kPart)), pairs.queriesOf.resize(llvm::divideCeil(keys, kPart));
  ViewEvaluator at(view);
  // Bounds of rows never fall, so that a part's first and last row bound what all of it meets.
  for (int64_t h : view.heads)
    for (int64_t s = 0, slices = at.slices(h); s < slices; ++s)
      for (int64_t first = 0, end = at.rows(h, s); first < end; first += kPart) {
        int64_t from = at.keySlots(h, s, first).lo,
                to = at.keySlots(h, s, std::min(first + kPart, end) - 1).hi;
        if (from < to) widen(pairs.keysOf[first / kPart], from / kPart, (to + kPart - 1) / kPart);
      }
  for (int64_t q = 0; q < pairs.queryParts(); ++q)
    for (int64_t k = pairs.keysOf[q].from; k < pairs.keysOf[q].to; ++k) widen(pairs.queriesOf[k], q, q + 1);
  // What lies between two query parts that a key part meets counts as met.
  for (int64_t k = 0; k < pairs.keyParts(); ++k)
    for (int64_t q = pairs.queriesOf[k].from; q < pairs.queriesOf[k].to; ++q)
      widen(pairs.keysOf[q], k, k + 1);
  return pairs;
}

llvm::SmallVector<llvm::SmallVector<int64_t>> shareParts(ArrayRef<PartRange> parts, int64_t groups) {
  llvm::SmallVector<int64_t> order(parts.size()), load(groups, 0);
  for (auto [number, part] : llvm::enumerate(order)) part = number;
  llvm::sort(order, [&](int64_t x, int64_t y) {
    return std::pair(-parts[x].size(), x) < std::pair(-parts[y].size(), y);
  });
  llvm::SmallVector<llvm::SmallVector<int64_t>> shares(groups);
  for (int64_t part : order) {
    int64_t least = std::min_element(load.begin(), load.end()) - load.begin();
    shares[least].push_back(part);
    load[least] += parts[part].size() + 1; // a part without pairs is stored too
  }
  return shares;
}

int64_t stageBytes(const Shape &shape, int64_t groups) {
  return shape.dQk <= shape.dV ? 0 : groups * kPart * shape.dQk * 2;
}

/// Of a thread: dK, dV, S, dP, and P or dS packed.
static int64_t registersFor(const Shape &shape) { return (shape.dQk + shape.dV) / 2 + kPart + kPart / 4; }

static int64_t sharedBytes(const Shape &shape, const PartPairs &pairs, int64_t groups) {
  constexpr int64_t kBarriers = 2 * 8 * kMostParts;
  return (pairs.queryParts() + pairs.keyParts()) * kPart * (shape.dQk + shape.dV) * 2 +
         pairs.count() * kPart * kPart * 2 + stageBytes(shape, groups) + pairs.queryParts() * kPart * 8 +
         kBarriers;
}

std::optional<SliceCut> chooseSliceCut(const Shape &shape, const PieceView &view, int64_t rows, int64_t keys,
                                       bool continues) {
  int64_t most = std::max(llvm::divideCeil(rows, kPart), llvm::divideCeil(keys, kPart)),
          registers = registersFor(shape);
  if (most > kMostParts || registers + kOverhead > kRegisters) return std::nullopt;
  // What dK and dV are added to waits in registers; where there is no room for it ptxas spills.
  int64_t before = continues ? (shape.dQk + shape.dV) / 4 : 0;
  registers = std::min(registers + before + kLeastOverhead, kRegisters);
  PartPairs pairs = findPartPairs(view, rows, keys);
  auto blocksOf = [&](int64_t groups) {
    return std::min((kSharedOfBlock + kSharedReserve) / (sharedBytes(shape, pairs, groups) + kSharedReserve),
                    kAllRegisters / (groups * kGroupThreads * registers));
  };
  // Blocks of one warp group, two of which share a multiprocessor, wait for each other least.
  if (most <= 2 && blocksOf(1) >= 2) return SliceCut{pairs, 1, blocksOf(1)};
  // Longer slices fill it alone. Three groups hide more of each other's waiting than two.
  for (int64_t groups : {3, 2})
    if (groups <= most && blocksOf(groups) >= 1) return SliceCut{pairs, groups, blocksOf(groups)};
  return std::nullopt;
}

} // namespace drawloom::attention
