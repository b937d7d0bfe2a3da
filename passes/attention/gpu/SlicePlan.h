// How a kernel whose blocks own whole slices is cut: which parts of 64 x 64 hold pairs, and who does them.
#pragma once
#include "dialect/pattern/View.h"
#include "passes/attention/TileKernel.h"

namespace drawloom::attention {

/// Parts [from, to) of a slice's other side.
struct PartRange {
  int64_t from = 0, to = 0;
  int64_t size() const { return to - from; }
};

/// The parts of 64 rows by 64 slots in which some slice has pairs. Of a triangle of 256 rows these are 10 of
/// 16: the others are neither computed nor stored.
struct PartPairs {
  llvm::SmallVector<PartRange, 4> keysOf;    ///< key parts that each query part meets
  llvm::SmallVector<PartRange, 4> queriesOf; ///< query parts that each key part meets

  int64_t queryParts() const { return keysOf.size(); }
  int64_t keyParts() const { return queriesOf.size(); }
  /// How many there are in query parts before this one.
  int64_t before(int64_t queryPart) const;
  int64_t count() const { return before(queryParts()); }
};

/// Of all slices and heads; `rows` and `keys` are the most that a slice has.
PartPairs findPartPairs(const PieceView &view, int64_t rows, int64_t keys);

/// Parts for each of `groups` warp groups: the heaviest first, each to the group that has least to do.
llvm::SmallVector<llvm::SmallVector<int64_t>> shareParts(ArrayRef<PartRange> parts, int64_t groups);

/// How a slice kernel is cut.
struct SliceCut {
  PartPairs pairs;
  int64_t groups; ///< warp groups of a block, that share its parts
  int64_t blocks; ///< that share a multiprocessor
};

/// Shared memory through which dK of each of `groups` warp groups leaves; nothing where it goes through V's
/// place.
int64_t stageBytes(const Shape &shape, int64_t groups);

/// The cut for a view whose slices have at most `rows` rows and `keys` slots; `continues`: the kernel also
/// holds what it adds to. Nothing where a slice does not fit a block.
std::optional<SliceCut> chooseSliceCut(const Shape &shape, const PieceView &view, int64_t rows, int64_t keys,
                                       bool continues);

} // namespace drawloom::attention
