// What the backward kernel of a window computes, and how it is cut.
#pragma once
#include "passes/attention/TileKernel.h"
#include <optional>

namespace drawloom::attention {

/// Tiles have 64 rows and 64 slots. A window is `width` tiles wide if the rows of query tile q meet slots of
/// key tiles q - width + 1 .. q, and no other tiles.
struct WindowCut {
  int64_t width;
  int64_t groups;      ///< warp groups; group g has the key tiles whose number is g modulo `groups`
  int64_t queryStages; ///< query tiles under way
  int64_t valueStages; ///< value tiles; key tiles stay until their last query tile is done

  /// Registers of a thread. A block's warp groups share out anew what they were launched with: a
  /// multiprocessor has 512 for a lane of each of its four parts, given out in units of 8.
  static constexpr int64_t kProducerRegisters = 32;
  int64_t launchedRegisters() const { return 512 / (groups + 1) / 8 * 8; }
  int64_t consumerRegisters() const {
    return (launchedRegisters() * (groups + 1) - kProducerRegisters) / groups / 8 * 8;
  }

  /// Query tiles that a step's key tiles meet.
  int64_t queryTiles() const { return width + groups - 1; }
  int64_t keyStages() const { return width + groups - 1; }
  /// Steps before a segment whose key tiles its first query tiles meet.
  int64_t leadingSteps() const { return (width - 1 + groups - 1) / groups; }

  /// A tile of dS^T is `distance` from the diagonal if its query tile comes so many tiles after its key tile.
  /// It waits for its query tile in one of `scoreSlots(distance)` places, which follow those of smaller
  /// distances.
  int64_t scoreSlots(int64_t distance) const { return std::max(distance, groups); }
  int64_t firstScoreSlot(int64_t distance) const {
    int64_t sum = 0;
    for (int64_t d = 0; d < distance; ++d) sum += scoreSlots(d);
    return sum;
  }
  int64_t allScoreSlots() const { return firstScoreSlot(width); }
};

/// The width of the view's window, or nothing where the view has no such form: one slice whose rows and slots
/// are boxes, the rows that a slot meets start in the slot's own tile or later.
std::optional<int64_t> windowWidth(ViewAttr view);

/// A cut that fits the card's registers and shared memory, if there is one.
std::optional<WindowCut> chooseWindowCut(const Shape &shape, int64_t width);

/// How many segments a head's steps are divided into: each begins with `leadingSteps` of its own, and all
/// together should fill the multiprocessors evenly. `sequences`: heads of all batches.
int64_t chooseSegments(const WindowCut &cut, int64_t steps, int64_t sequences);

} // namespace drawloom::attention
