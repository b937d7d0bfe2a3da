#include "passes/attention/BlockTiles.h"
#include "passes/tiles/ThreadBlocks.h"
#include <algorithm>
#include <cmath>
#include <limits>

namespace drawloom::attention {
namespace {

constexpr double kLanes = 128; // multiply-adds a cycle of a multiprocessor
constexpr double kProcessors = 132;
constexpr int64_t kReserved = 1 << 10; // bytes of shared memory a block that the card takes
constexpr double kThreadsOfProcessor = 2048;
constexpr double kSoftmaxOperations = 26;                   // a score: maximum, exponential, sum, accesses
constexpr double kMoveOperations = 3;                       // an element of memory, to or from a tile
constexpr double kTileLatency = 2500, kQueryLatency = 4000; // cycles: memory, barriers

double product(int64_t rows, int64_t columns, int64_t inner, const BlockWork &w) {
  return double(inner) * tiles::chooseThreadBlock(rows, columns, w.threads).cost * double(w.threads) / kLanes;
}

/// Products of a query tile and a key tile.
double products(TileSizes t, const BlockWork &w) {
  double scores = product(t.keys, t.queries, w.dQk, w), ofValues = product(t.keys, t.queries, w.dV, w);
  double perQuery = product(w.dQk, t.queries, t.keys, w);
  double perKey = product(t.keys, w.dQk, t.queries, w) + product(t.keys, w.dV, t.queries, w);
  switch (w.kernel) {
  case BlockKernel::Forward: return scores + product(w.dV, t.queries, t.keys, w);
  case BlockKernel::AllGradients: return scores + ofValues + perQuery + perKey;
  case BlockKernel::QueryGradients: return scores + ofValues + perQuery;
  case BlockKernel::KeyGradients: return scores + ofValues + perKey;
  }
  llvm_unreachable("unknown kernel");
}

/// Elements that a pair of tiles moves, and those that an owner (a tile of queries, or of keys) moves.
struct Moves {
  double pair, owner;
};

Moves moves(TileSizes t, const BlockWork &w) {
  double channels = double(w.dQk + w.dV), ofKeys = double(t.keys) * channels,
         ofQueries = double(t.queries) * channels;
  switch (w.kernel) {
  case BlockKernel::Forward: return {ofKeys, 2 * ofQueries};
  case BlockKernel::AllGradients: return {3 * ofKeys, 3 * ofQueries};
  case BlockKernel::QueryGradients: return {ofKeys, 2 * ofQueries};
  case BlockKernel::KeyGradients: return {2 * ofQueries, 2 * ofKeys};
  }
  llvm_unreachable("unknown kernel");
}

double blocksOf(TileSizes t, const BlockWork &w) {
  switch (w.kernel) {
  case BlockKernel::AllGradients: return double(w.slices);
  case BlockKernel::KeyGradients: return double(w.slices) * std::ceil(double(w.keys) / double(t.keys));
  default: return double(w.slices) * std::ceil(double(w.rows) / double(t.queries));
  }
}

double estimate(const PieceView &view, TileSizes t, const BlockWork &w) {
  double fit = std::min(double((w.shared + kReserved) / (sharedBytes(t, w) + kReserved)),
                        kThreadsOfProcessor / double(w.threads));
  double blocks = blocksOf(t, w), together = std::clamp(blocks / kProcessors, 1.0, fit);
  Moves moved = moves(t, w);
  double tile = products(t, w) + double(t.queries * t.keys) * kSoftmaxOperations / kLanes +
                moved.pair * kMoveOperations / kLanes + kTileLatency / together;
  double owner = moved.owner * kMoveOperations / kLanes + kQueryLatency / together;
  bool ownsKeys = w.kernel == BlockKernel::KeyGradients;
  double row = sampleRow(view, t, [&](const Met &met) { return met.tiles * tile + (ownsKeys ? 0 : owner); });
  if (ownsKeys && w.rows > 0) row += owner * std::ceil(double(w.keys) / double(t.keys)) / double(w.rows);
  return row / std::min(blocks, kProcessors);
}

} // namespace

int64_t sharedBytes(TileSizes t, const BlockWork &w) {
  auto tile = [](int64_t rows, int64_t columns) { return rows * (columns + 4) * int64_t(sizeof(float)); };
  int64_t scores = tile(t.keys, t.queries),
          vectors = 4 * tile(1, t.queries) + 2 * w.threads * int64_t(sizeof(float)) + 1024;
  int64_t queriesT = tile(w.dQk, t.queries), outT = tile(w.dV, t.queries);
  int64_t queries = tile(t.queries, w.dQk) + tile(t.queries, w.dV),
          keys = tile(t.keys, w.dQk) + tile(t.keys, w.dV);
  switch (w.kernel) {
  case BlockKernel::Forward:
    return queriesT + outT + scores + std::max(tile(t.keys, w.dQk), tile(t.keys, w.dV)) + vectors;
  case BlockKernel::AllGradients: return 2 * queriesT + outT + queries + keys + 2 * scores + vectors;
  case BlockKernel::QueryGradients: return 2 * queriesT + outT + keys + 2 * scores + vectors;
  case BlockKernel::KeyGradients: return queriesT + outT + queries + 2 * keys + 2 * scores + vectors;
  }
  llvm_unreachable("unknown kernel");
}

BlockTiles chooseBlockTiles(const PieceView &view, const BlockWork &work) {
  BlockTiles best{{16, 8}, std::numeric_limits<double>::infinity()}; // fits for 256 channels
  for (int64_t queries : {16, 32, 64, 128})
    for (int64_t keys : {8, 16, 32, 64, 128}) {
      TileSizes t{queries, keys};
      if (sharedBytes(t, work) > work.shared) continue;
      double cost = estimate(view, t, work);
      if (cost < best.cost) best = {t, cost};
    }
  return best;
}

} // namespace drawloom::attention
