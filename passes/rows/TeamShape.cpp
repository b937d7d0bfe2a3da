#include "passes/rows/TeamShape.h"
#include "llvm/ADT/bit.h"

namespace drawloom::rows {

TeamShape teamShapeOf(int64_t width, int64_t lanes, int64_t sums) {
  TeamShape shape;
  shape.lanes = lanes;
  shape.team = std::min<int64_t>(kWarp, llvm::bit_ceil(uint64_t(ceilDiv(width, lanes))));
  int64_t kept = shape.slots(width) * lanes;
  shape.unrolled = kept <= kMaxKept && kept * sums <= kMaxKept;
  if (!shape.unrolled || !sums) return shape;
  // Two blocks leave a thread 128 registers: enough for 64 sums and two slots beside them.
  if (kept * sums <= kMaxKept / 2) shape.minBlocks = 2;
  if (kept * sums > kMaxKept / 4) shape.together = 2;
  return shape;
}

int64_t rowsPerPartial(int64_t rows, const TeamShape &shape) {
  if (!shape.unrolled) return ceilDiv(rows, kPartialBlocks * shape.teams()); // a team's own
  return ceilDiv(ceilDiv(rows, kPartialBlocks), shape.teams()) * shape.teams();
}

} // namespace drawloom::rows
