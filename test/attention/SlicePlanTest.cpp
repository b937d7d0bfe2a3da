// Parts of slices: those with pairs are there, all of them are done by exactly one warp group, and what is
// chosen fits a block.
#include "passes/attention/gpu/SlicePlan.h"
#include "dialect/pattern/ViewQuery.h"
#include "dialect/pattern/Views.h"
#include "mlir/IR/MLIRContext.h"
#include "passes/attention/ViewFacts.h"
#include "test/attention/Reference.h"
#include <gtest/gtest.h>

using namespace drawloom;
using namespace drawloom::attention;
using drawloom::test::parsePattern;

namespace {

class SlicePlan : public testing::Test {
protected:
  mlir::MLIRContext context;
  std::vector<PieceView> viewsOf(const char *pattern, int64_t n, int64_t heads) {
    return makeViews(parsePattern(pattern), n, heads, &context);
  }
};

TEST_F(SlicePlan, PartsWithPairsAreThere) {
  for (auto [pattern, n] : {std::pair("column(5)", 1280),
                            {"column(5)", 1003},
                            {"block(200)", 900},
                            {"block(64)", 200},
                            {"summary(40, c=8)", 500}})
    for (const PieceView &view : viewsOf(pattern, n, 2)) {
      ViewFacts facts = factsOf(view, n, 2);
      PartPairs pairs = findPartPairs(view, facts.rows, facts.keys);
      ViewEvaluator at(view);
      for (int64_t h : view.heads)
        for (int64_t s = 0; s < at.slices(h); ++s)
          for (int64_t r = 0; r < at.rows(h, s); ++r)
            for (int64_t t = at.keySlots(h, s, r).lo; t < at.keySlots(h, s, r).hi; ++t) {
              PartRange keys = pairs.keysOf[r / 64], queries = pairs.queriesOf[t / 64];
              ASSERT_TRUE(keys.from <= t / 64 && t / 64 < keys.to)
                  << pattern << " row " << r << " slot " << t;
              ASSERT_TRUE(queries.from <= r / 64 && r / 64 < queries.to)
                  << pattern << " row " << r << " slot " << t;
            }
    }
}

TEST_F(SlicePlan, BothSidesNameTheSamePairs) {
  for (auto [pattern, n] : {std::pair("column(5)", 1280), {"block(200)", 900}, {"summary(40, c=8)", 500}}) {
    PieceView view = viewsOf(pattern, n, 1).front();
    ViewFacts facts = factsOf(view, n, 1);
    PartPairs pairs = findPartPairs(view, facts.rows, facts.keys);
    for (int64_t k = 0; k < pairs.keyParts(); ++k)
      for (int64_t q = pairs.queriesOf[k].from; q < pairs.queriesOf[k].to; ++q)
        EXPECT_TRUE(pairs.keysOf[q].from <= k && k < pairs.keysOf[q].to)
            << pattern << " parts " << q << ", " << k;
  }
}

TEST_F(SlicePlan, ATriangleHasTenOfSixteenParts) {
  PieceView view = viewsOf("column(5)", 1280, 1).front();
  PartPairs pairs = findPartPairs(view, 256, 256);
  EXPECT_EQ(pairs.count(), 10);
  EXPECT_EQ(pairs.before(2), 3);
}

TEST_F(SlicePlan, EachPartHasOneGroup) {
  PartRange triangle[] = {{0, 4}, {1, 4}, {2, 4}, {3, 4}};
  auto two = shareParts(triangle, 2), three = shareParts(triangle, 3);
  EXPECT_EQ(two, (llvm::SmallVector<llvm::SmallVector<int64_t>>{{0, 3}, {1, 2}}));
  EXPECT_EQ(three, (llvm::SmallVector<llvm::SmallVector<int64_t>>{{0}, {1}, {2, 3}}));
}

TEST_F(SlicePlan, SlicesThatDoNotFitAreRefused) {
  PieceView longer = viewsOf("column(5)", 1285, 1).front(), whole = viewsOf("column(5)", 1280, 1).front();
  Shape narrow{1, 1280, 1, 64, 64, 1.0}, wide{1, 1280, 1, 128, 128, 1.0};
  EXPECT_FALSE(chooseSliceCut(narrow, longer, 257, 257, false));
  EXPECT_FALSE(chooseSliceCut(wide, whole, 256, 256, false));
  std::optional<SliceCut> starts = chooseSliceCut(narrow, whole, 256, 256, false),
                          continues = chooseSliceCut(narrow, whole, 256, 256, true);
  ASSERT_TRUE(starts && continues);
  EXPECT_EQ(starts->groups, 3);
  EXPECT_EQ(continues->groups, 2); // what it adds to takes registers
}

} // namespace
