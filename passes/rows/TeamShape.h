// How a block's threads share rows on a GPU.
//
// A team of 1 to 32 threads (all threads of the block in a flat program) does one row at a time. The row is
// cut into vectors of `lanes` columns; thread t of the team owns the vectors t, t + team, t + 2 team, ... Its
// s-th vector is called slot s.
#pragma once
#include "passes/rows/GpuBlock.h"
#include "passes/rows/RowSpace.h"

namespace drawloom::rows {

struct TeamShape {
  int64_t threads = kRowThreads; ///< that work on rows: whole warps
  int64_t team = kWarp;
  int64_t lanes = 4;
  bool unrolled = true;  ///< a thread's part of a row stays in registers; else later passes compute it again
  int64_t together = 4;  ///< slots whose values are computed before the first is stored: loads on their way
  int64_t minBlocks = 0; ///< of a multiprocessor, which bounds the registers; 0: no wish

  int64_t rowsPerItem = 1; ///< of a work item: a row, or those of a partial sum
  int64_t rowsOfRun = 1;   ///< that a warp adds up before the sums of warps are brought together

  // Where rows come in tiles (TeamTiles.cpp).
  int64_t rowsTogether = 1;     ///< rows of a team at a time, at most: a power of two
  int64_t aheadRegisters = 16;  ///< of a thread that hold rows ahead, at most
  bool keepsSharedRows = false; ///< what all rows read is loaded once a tile

  int64_t teams() const { return threads / team; }
  int64_t warps() const { return threads / kWarp; }
  int64_t teamsOfWarp() const { return kWarp / team; }
  int64_t columnsOfSlot() const { return team * lanes; }
  int64_t slots(int64_t width) const { return ceilDiv(ceilDiv(width, lanes), team); }
  /// True if every thread owns a vector in this slot of a row of `width` columns.
  bool isWhole(int64_t slot, int64_t width) const { return (slot + 1) * team * lanes <= width; }
};

/// Blocks that fill the largest cards that we know (132 multiprocessors) twice; and groups of four warps,
/// three on each multiprocessor. That many rows of partial sums a kernel makes at most.
inline constexpr int64_t kPartialBlocks = 264, kPartialGroups = 396;

/// f32 values of a row, or partial sums, that a thread keeps in registers at most.
inline constexpr int64_t kMaxKept = 128;

// Sums over rows of at most kShortRow columns are added up in one order, whatever kernel does it: rows are
// cut into partial sums, those into runs of kRunRows consecutive rows. A warp adds up a run from zero, row by
// row (where several teams share the warp, these take its rows in turn, and a tree adds theirs). The runs of
// a partial sum are added in order. A second launch adds the partial sums. Four warps have kPieceRows rows at
// a time: those of a product that a warp group makes, which may be the one that makes the rows.
inline constexpr int64_t kShortRow = 256, kRunRows = 16, kPieceRows = 64;

/// Rows of a partial sum of `rows` rows.
int64_t rowsPerPartial(int64_t rows);

/// The shape for rows of at most `width` columns.
TeamShape teamShapeOf(int64_t width, int64_t lanes);
/// The same where `sums` tensors are summed over `rows` rows. Sets rowsPerItem and rowsOfRun.
TeamShape teamShapeWithSums(int64_t rows, int64_t width, int64_t lanes, int64_t sums);

} // namespace drawloom::rows
