// Offsets of buffers with lifetimes.
#include "passes/memory/ArenaLayout.h"
#include <gtest/gtest.h>
#include <random>

using namespace drawloom;

namespace {

TEST(ArenaLayout, BuffersThatAreNeverAliveTogetherShareBytes) {
  ArenaLayout layout = layOutArena({{100, 0, 1}, {100, 2, 3}});
  EXPECT_EQ(layout.offsets, (std::vector<int64_t>{0, 0}));
  EXPECT_EQ(layout.bytes, 128);
}

TEST(ArenaLayout, BuffersThatMeetInOneCommandDoNot) {
  ArenaLayout layout = layOutArena({{64, 0, 1}, {64, 1, 2}});
  EXPECT_EQ(layout.bytes, 128);
}

TEST(ArenaLayout, TheSmallestGapThatFitsIsTaken) {
  // The last meets the second (512 to 960) and the fourth (1344 to 1664) only: 0 to 512 and 960 to 1344 are
  // free.
  ArenaLayout layout = layOutArena({{512, 0, 0}, {448, 0, 1}, {384, 0, 0}, {320, 0, 1}, {256, 1, 1}});
  EXPECT_EQ(layout.offsets, (std::vector<int64_t>{0, 512, 960, 1344, 960}));
}

TEST(ArenaLayout, NothingNeedsNothing) { EXPECT_EQ(layOutArena({}).bytes, 0); }

TEST(ArenaLayout, RandomLifetimesNeverCollideAndStayNearThePeak) {
  std::mt19937 random(1);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<Lifetime> buffers;
    for (int k = 0, count = 1 + random() % 60; k < count; ++k) {
      int64_t first = random() % 50;
      buffers.push_back({int64_t(1 + random() % 5000), first, first + int64_t(random() % 10)});
    }
    ArenaLayout layout = layOutArena(buffers);
    for (size_t a = 0; a < buffers.size(); ++a) {
      EXPECT_EQ(layout.offsets[a] % 64, 0);
      EXPECT_LE(layout.offsets[a] + buffers[a].bytes, layout.bytes);
      for (size_t b = 0; b < a; ++b) {
        bool together = buffers[a].first <= buffers[b].last && buffers[b].first <= buffers[a].last;
        bool overlap = layout.offsets[a] < layout.offsets[b] + buffers[b].bytes &&
                       layout.offsets[b] < layout.offsets[a] + buffers[a].bytes;
        EXPECT_FALSE(together && overlap) << "trial " << trial << ", buffers " << a << " and " << b;
      }
    }
    EXPECT_GE(layout.bytes, peakBytes(buffers));
    EXPECT_LE(layout.bytes, 2 * peakBytes(buffers)) << "trial " << trial;
  }
}

} // namespace
