#include "passes/rows/TeamShape.h"
#include "llvm/ADT/bit.h"

namespace drawloom::rows {

int64_t rowsPerPartial(int64_t rows) {
  return ceilDiv(ceilDiv(rows, kPieceRows), kPartialGroups) * kPieceRows;
}

TeamShape teamShapeOf(int64_t width, int64_t lanes) {
  TeamShape shape;
  shape.lanes = lanes;
  shape.team = std::min<int64_t>(kWarp, llvm::bit_ceil(uint64_t(ceilDiv(width, lanes))));
  shape.unrolled = shape.slots(width) * lanes <= kMaxKept;
  return shape;
}

TeamShape teamShapeWithSums(int64_t rows, int64_t width, int64_t lanes, int64_t sums) {
  TeamShape shape = teamShapeOf(width, lanes);
  int64_t kept = shape.slots(width) * lanes, blocks = kPartialBlocks;
  shape.unrolled &= kept * sums <= kMaxKept;
  if (!shape.unrolled) {
    shape.rowsPerItem = ceilDiv(rows, blocks * shape.teams()); // an item is a team's
    return shape;
  }
  bool hasRoom = kept * sums <= kMaxKept / 2;
  if (kept * sums > kMaxKept / 4) shape.together = 2;
  if (width > kShortRow) {
    // Two blocks leave a thread 128 registers: enough for 64 sums and two slots beside them.
    shape.minBlocks = hasRoom ? 2 : 0;
    shape.rowsOfRun = ceilDiv(ceilDiv(rows, blocks), shape.warps());
    shape.rowsPerItem = shape.rowsOfRun * shape.warps();
    return shape;
  }
  // Three blocks of four warps leave a thread 168 registers, for several rows at a time.
  shape.threads = kPieceRows / kRunRows * kWarp;
  shape.minBlocks = hasRoom ? 3 : 2;
  shape.rowsOfRun = std::max(kRunRows, shape.teamsOfWarp()); // each team has a row
  shape.rowsPerItem = rowsPerPartial(rows);
  shape.rowsTogether = 4;
  shape.aheadRegisters = 32;
  return shape;
}

} // namespace drawloom::rows
