// Attention as the threads of a block compute it, their shares done one after the other on the CPU.
#include "test/attention/Exact.h"
#include <gtest/gtest.h>

using namespace drawloom;
using namespace drawloom::test;

namespace {

/// `lowering`: options of drawloom-lower-attention besides its target, a GPU.
Options inTurns(const std::string &lowering = "query-tile=32 key-tile=32", int threads = 128) {
  return {.lowering = "target=sm_90a " + lowering,
          .tiles = "drawloom-distribute-tiles{takes-turns threads=" + std::to_string(threads) + "}",
          .optLevel = 0};
}

class BlockForms : public testing::TestWithParam<const char *> {};

TEST_P(BlockForms, AgreeWithTheDefinition) {
  for (int64_t n : {1, 7, 129}) expectExact({GetParam(), 1, n, 3, 16, 16}, inTurns());
}
INSTANTIATE_TEST_SUITE_P(Attention, BlockForms,
                         testing::Values("local(1)", "local(16)", "local(128)", "column(3)", "column(48)",
                                         "block(48)", "summary(16, c=4)", "strided(16)", "fixed(96, c=32)",
                                         "dense"));

TEST(Block, TakesAnyHeadDimension) {
  for (auto [dQk, dV] : {std::pair<int64_t, int64_t>{8, 24}, {40, 8}, {64, 128}, {12, 5}, {256, 256}})
    expectExact({"strided(16)", 1, 70, 2, dQk, dV}, inTurns("query-tile=16 key-tile=16"));
}

TEST(Block, TakesAnyFormula) {
  for (const char *pattern :
       {"i + j < 90", "i - j == 40 or i // 2 == j", "heads(local(9), column(5))", "(i - j) mod 16 == 3"})
    expectExact({pattern, 1, 130, 2, 16, 16}, inTurns());
}

TEST(Block, IsExactWithEveryTileAndNumberOfThreads) {
  for (const char *lowering :
       {"query-tile=8 key-tile=8", "query-tile=64 key-tile=24", "query-tile=128 key-tile=16"})
    for (int threads : {32, 256})
      expectExact({"fixed(48, c=16)", 1, 150, 1, 24, 40}, inTurns(lowering, threads));
}

TEST(Block, GradientsAreExactWhoeverOwnsThem) {
  for (const char *pattern : {"strided(24)", "summary(24, c=4)"})
    for (const char *items : {"min-items=1", "min-items=1000000"})
      expectExact({pattern, 1, 100, 1, 16, 8}, inTurns(std::string("query-tile=16 key-tile=16 ") + items));
}

TEST(Block, IsExactWithTheTilesThatTheModelChooses) {
  for (const char *pattern : {"fixed(96, c=32)", "column(16)", "dense"})
    expectExact({pattern, 1, 140, 2, 32, 64}, inTurns(""));
}

TEST(Block, RunsFormsThatHaveNoKeys) {
  for (const char *items : {"min-items=1", "min-items=1000000"})
    expectExact({"summary(16, c=4)", 1, 3, 3, 8, 8},
                inTurns(std::string("query-tile=16 key-tile=16 ") + items));
}

} // namespace
