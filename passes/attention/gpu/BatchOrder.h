// In which order a launch goes through the entries of a batch.
#pragma once
#include "passes/attention/TileKernel.h"

namespace drawloom::attention {

/// Pieces of a union are launches that read the same rows one after the other. Every second one goes through
/// the batch from its last entry to its first, so that it begins with what the one before it has left in the
/// card's cache.
enum class BatchOrder { Forwards, Backwards };

/// That of a launch which goes on from `before`, a result of the launch before it (or null).
BatchOrder batchOrderAfter(Value before);

/// The entry (index) that comes at `position` (index) of `batch`.
Value entryAt(const TileKernel &k, BatchOrder order, int64_t batch, Value position);

} // namespace drawloom::attention
