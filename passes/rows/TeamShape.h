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
  int64_t threads = kRowThreads;
  int64_t team = kWarp;
  int64_t lanes = 4;
  bool unrolled = true;  ///< a thread's part of a row stays in registers; else later passes compute it again
  int64_t together = 4;  ///< slots whose values are computed before the first is stored: loads on their way
  int64_t minBlocks = 0; ///< of a multiprocessor, which bounds the registers; 0: no wish

  int64_t teams() const { return threads / team; }
  int64_t slots(int64_t width) const { return ceilDiv(ceilDiv(width, lanes), team); }
  /// True if every thread owns a vector in this slot of a row of `width` columns.
  bool isWhole(int64_t slot, int64_t width) const { return (slot + 1) * team * lanes <= width; }
};

/// Blocks that fill the largest cards that we know (132 multiprocessors) twice: that many rows of partial
/// sums a kernel makes at most.
inline constexpr int64_t kPartialBlocks = 264;

/// f32 values of a row, or partial sums, that a thread keeps in registers at most.
inline constexpr int64_t kMaxKept = 128;

/// The shape for rows of at most `width` columns. `sums`: how many columns are summed over rows.
TeamShape teamShapeOf(int64_t width, int64_t lanes, int64_t sums);

/// Rows of a work item of a kernel that sums over rows; a work item is a block.
int64_t rowsPerPartial(int64_t rows, const TeamShape &shape);

} // namespace drawloom::rows
