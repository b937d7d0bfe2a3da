#include "dialect/pattern/Connectivity.h"
#include "test/pattern/Support.h"

namespace drawloom::test {
namespace {

TEST(Connectivity, DenseNeedsOneStep) { EXPECT_EQ(minimumSteps({parse("dense")}, 20, 1).steps, 1); }

TEST(Connectivity, OnePositionNeedsNone) { EXPECT_EQ(minimumSteps({parse("local(1)")}, 1, 1).steps, 0); }

TEST(Connectivity, StridedFactorizationIsValid) {
  Connectivity c = minimumSteps({parse("local(8)"), parse("column(8)")}, 100, 1);
  EXPECT_EQ(c.steps, 2);
  EXPECT_TRUE(c.valid(2));
}

TEST(Connectivity, FixedFactorizationIsValidWithASummaryOfTheWholeEnd) {
  EXPECT_TRUE(minimumSteps({parse("block(8)"), parse("summary(8, c=1)")}, 100, 1).valid(2));
}

TEST(Connectivity, LocalAloneNeedsManySteps) {
  Connectivity c = minimumSteps({parse("local(5)")}, 41, 1);
  EXPECT_EQ(c.steps, 10); // four positions a step
  EXPECT_FALSE(c.valid(1));
}

TEST(Connectivity, NamesAPairThatNeverMeets) {
  Connectivity c = minimumSteps({parse("column(4)")}, 20, 1);
  EXPECT_FALSE(c.steps);
  EXPECT_NE((c.query - c.key) % 4, 0);
  EXPECT_FALSE(c.valid(1));
}

TEST(Connectivity, HeadsMix) {
  EXPECT_TRUE(minimumSteps({parse("heads(local(8), column(8))")}, 64, 2).steps == 2);
}

} // namespace
} // namespace drawloom::test
