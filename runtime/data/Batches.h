// Which bytes training sees when: a pure function of (seed, sequence number), so that a resumed run needs no
// state.
//
// The training part is cut into W non-overlapping windows of n bytes. Epoch e moves all cuts by a random
// offset below n (so that windows do not always begin at the same bytes) and visits the windows in a random
// order, each once: a Feistel network over the window numbers with Philox as its round function, which needs
// neither a table nor the order so far. Sequence number s is window s mod W of epoch s / W; micro-step k of a
// run with batches of B takes the sequences [k B, (k + 1) B), which may belong to two epochs.
//
// Images are not cut: their windows are the images themselves, which lie at the same places in every epoch.
#pragma once
#include "runtime/data/Split.h"
#include <cstdint>
#include <span>

namespace drawloom {

/// The start symbol that a model reads in place of the byte before a window.
inline constexpr int32_t kStartSymbol = 256;

/// Whether all windows of an epoch are moved by an offset, or stand at multiples of n.
enum class Windows { Moving, Fixed };

class WindowOrder {
public:
  /// Windows of n bytes in `part`. Throws Error(kBadInput) when the part is shorter than one window; `what`
  /// names it.
  WindowOrder(uint64_t seed, Range part, uint64_t n, const std::string &what,
              Windows windows = Windows::Moving);

  /// Windows an epoch. Moving ones: floor((size - n + 1) / n), at least 1, so that every offset leaves room
  /// for all of them. Fixed ones: floor(size / n).
  uint64_t windows() const { return count; }
  uint64_t epochOf(uint64_t sequence) const { return sequence / count; }
  /// First byte (of the data set) of the window with a sequence number.
  uint64_t start(uint64_t sequence) const;

private:
  uint64_t seed;
  Range part;
  uint64_t n, count;
  Windows kind;
};

/// Where element x of [0, size) goes in permutation number `index`: a bijection for every (seed, index).
uint64_t permute(uint64_t seed, uint64_t index, uint64_t size, uint64_t x);

/// One row of a batch: targets[t] = bytes[t], tokens = [256, bytes[0], ..., bytes[n-2]]. Rows beyond the end
/// of `bytes` are filled with byte 0, which a causal model cannot see before the end.
void fillRow(std::span<const uint8_t> bytes, std::span<int32_t> tokens, std::span<int32_t> targets);

} // namespace drawloom
