#include "passes/products/ProductPlan.h"
#include "passes/rows/Chunks.h"
#include "passes/tiles/SharedMemory.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include <algorithm>

namespace drawloom::products {
namespace {

constexpr int64_t kBarrierBytes = 1024;
constexpr int64_t kSliceBytes = kTileRows * kSliceInner * kElementBytes;
constexpr int64_t kChunk = 8; ///< columns that an instruction's fragment has side by side
constexpr int64_t kFewestStages = 4, kDeepRing = 8, kMostStages = 12;

/// Columns of a tile, by preference: 128 leave less room for the ring, which decides; 64 read a more often.
constexpr int64_t kWidths[] = {96, 128, 64};

using rows::ceilDiv;

/// Slices of a for which a block has room.
int64_t stagesThatFit(const ProductShape &shape, int64_t columns, int64_t groups) {
  int64_t weights = slices(shape) * kSliceInner * columns * kElementBytes;
  int64_t staged = groups * places(shape) * kTileRows * columns * kElementBytes;
  return (tileBytes() - weights - staged) / kSliceBytes;
}

} // namespace

int64_t rowTiles(const ProductShape &shape) { return ceilDiv(shape.rows, kTileRows); }
int64_t slices(const ProductShape &shape) { return ceilDiv(shape.inner, kSliceInner); }
int64_t places(const ProductShape &shape) { return std::max(shape.inputs, shape.outputs); }

int64_t tileBytes() { return tiles::sharedMemoryOf("sm_90a") - kBarrierBytes; }

int64_t consumerRegisters(int64_t groups) {
  int64_t launched = 512 / (groups + 1) / 8 * 8 * (groups + 1);
  return std::min<int64_t>((launched - kProducerRegisters) / groups / 8 * 8, 240);
}

int64_t launchedBlocks(const ProductShape &shape, const ProductCut &cut) {
  int64_t columnTiles = cut.columnTiles(shape);
  return columnTiles * std::clamp<int64_t>(kMultiprocessors / columnTiles, 1, rowTiles(shape));
}

bool fitsTiles(int64_t head) {
  return head % kChunk == 0 && llvm::any_of(kWidths, [&](int64_t width) { return width % head == 0; });
}

ProductCut chooseCut(const ProductShape &shape) {
  llvm::SmallVector<int64_t, 3> widths;
  llvm::copy_if(kWidths, std::back_inserter(widths), [&](int64_t width) { return width % shape.head == 0; });
  auto covered = [&](int64_t columns) { return ceilDiv(shape.columns, columns) * columns; };
  auto suits = [&](int64_t columns) {
    return covered(columns) <= shape.columns * 9 / 8 && stagesThatFit(shape, columns, 2) >= kDeepRing;
  };
  auto width = llvm::find_if(widths, suits);
  if (width == widths.end())
    width = llvm::min_element(widths, [&](int64_t x, int64_t y) {
      auto rank = [&](int64_t w) {
        return std::pair(stagesThatFit(shape, w, 2) < kFewestStages, covered(w));
      };
      return rank(x) < rank(y);
    });
  // A third group helps epilogues that wait for inputs, where it does not take the ring's room.
  int64_t groups = shape.inputs && stagesThatFit(shape, *width, 3) >= kMostStages ? 3 : 2;
  ProductCut cut{groups, *width, std::min(stagesThatFit(shape, *width, groups), kMostStages), 0};
  cut.launched = launchedBlocks(shape, cut);
  return cut;
}

} // namespace drawloom::products
