// Packing buffers with lifetimes into one arena.
#pragma once
#include <cstdint>
#include <vector>

namespace drawloom {

/// A buffer of `bytes` that lives from command `first` to command `last`, both included.
struct Lifetime {
  int64_t bytes;
  int64_t first, last;
};

/// An offset for each buffer, a multiple of 64, such that buffers alive at once do not overlap; and the
/// arena's size.
struct ArenaLayout {
  std::vector<int64_t> offsets;
  int64_t bytes;
};

/// Greedy by size: the largest buffer first, each in the smallest gap that fits among those that live at the
/// same time as it. (Pisarchyk and Lee, "Efficient memory management for deep neural net inference", 2020,
/// section 5.2.) O(n^2), of which little is done for each pair.
ArenaLayout layOutArena(const std::vector<Lifetime> &buffers);

/// The greatest sum of bytes alive at one command: no layout can be smaller.
int64_t peakBytes(const std::vector<Lifetime> &buffers);

} // namespace drawloom
