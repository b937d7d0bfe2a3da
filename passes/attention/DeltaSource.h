// Where a backward kernel has delta = rowsum(dO * O) from.
#pragma once
#include "dialect/ir/Dialect.h"

namespace drawloom::attention {

/// Memory, or dO and O; then the kernel may leave it for later ones.
enum class DeltaSource { Given, Made, MadeAndKept };

/// Of a kernel that meets each of its queries in one work item. If the op's delta waits, the kernel makes it
/// for itself where no other op asks for delta of the same heads, and for all of them where it is the first
/// and meets every query (`coversRows`).
DeltaSource deltaSource(AttendGradOp op, bool coversRows);

} // namespace drawloom::attention
