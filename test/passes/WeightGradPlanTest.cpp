// How gradients of weights are shared out: every unit has one block, every partial sum one writer.
#include "passes/products/WeightGradPlan.h"
#include <gtest/gtest.h>
#include <set>

using namespace drawloom::products;

namespace {

const WeightGradShape kShapes[] = {{49152, 512, 256},  {49152, 1536, 512}, {65536, 1536, 512},
                                   {49152, 2048, 512}, {1, 8, 8},          {20011, 40, 64},
                                   {3001, 384, 520},   {64, 4096, 1024}};

TEST(WeightGradPlan, GivesEachUnitToOneBlock) {
  for (const WeightGradShape &shape : kShapes) {
    WeightGradCut cut = chooseGradCut(shape);
    ASSERT_TRUE(fitsIntegers(shape, cut));
    ASSERT_GE(cut.units(shape), cut.blocks);
    EXPECT_LE(cut.blocks, kMultiprocessors);
    EXPECT_EQ(cut.firstUnit(shape, 0), 0);
    EXPECT_EQ(cut.firstUnit(shape, cut.blocks), cut.units(shape));
    for (int64_t unit = 0; unit < cut.units(shape); ++unit) {
      int64_t block = cut.blockOf(shape, unit);
      ASSERT_LE(cut.firstUnit(shape, block), unit);
      ASSERT_LT(unit, cut.firstUnit(shape, block + 1));
    }
  }
}

TEST(WeightGradPlan, GivesEachPartialSumToOneSegment) {
  for (const WeightGradShape &shape : kShapes) {
    WeightGradCut cut = chooseGradCut(shape);
    std::set<std::pair<int64_t, int64_t>> segments; // (block, tile)
    for (int64_t unit = 0; unit < cut.units(shape); ++unit)
      segments.insert({cut.blockOf(shape, unit), unit / gradSlices(shape)});
    std::set<int64_t> numbers;
    for (auto [block, tile] : segments) {
      EXPECT_TRUE(numbers.insert(block + tile).second);
      EXPECT_LT(block + tile, cut.partials(shape));
    }
  }
}

TEST(WeightGradPlan, KeepsBlocksInStep) {
  // 4 tiles of 33 blocks, 24 of 5 1/2, 32 of 4.
  EXPECT_EQ(chooseGradCut({49152, 512, 256}).blocks, 132);
  EXPECT_EQ(chooseGradCut({49152, 1536, 512}).blocks, 132);
  EXPECT_EQ(chooseGradCut({49152, 2048, 512}).blocks, 128);
}

TEST(WeightGradPlan, FitsSharedMemory) {
  for (int64_t inputs : {8, 64, 72, 128, 136, 256, 1000}) {
    WeightGradCut cut = chooseGradCut({4096, 256, inputs});
    EXPECT_EQ(cut.columns, inputs <= 64 ? 64 : inputs <= 128 ? 128 : 256);
    EXPECT_GE(cut.stages, 4);
    int64_t slices = cut.stages * kSliceInner * (cut.outputs() + cut.columns) * kElementBytes;
    EXPECT_LE(slices, tileBytes());
  }
}

} // namespace
