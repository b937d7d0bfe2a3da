// Comparing tensors: what the other tests rely on to notice a difference.
#include "dialect/interp/Tensor.h"
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

using namespace drawloom;

static const double kInfinity = std::numeric_limits<double>::infinity();

TEST(RelativeError, IsTheNormOfTheDifferenceOverTheNorm) {
  EXPECT_DOUBLE_EQ(relativeError(Tensor::of({2}, {3, 4.5}), Tensor::of({2}, {3, 4})), 0.1);
}

TEST(RelativeError, OfAZeroReferenceIsAbsolute) {
  EXPECT_DOUBLE_EQ(relativeError(Tensor::of({2}, {3, 4}), Tensor::zeros({2})), 5);
}

TEST(RelativeError, OfAnotherShapeIsInfinite) {
  EXPECT_EQ(relativeError(Tensor::zeros({2, 3}), Tensor::zeros({3, 2})), kInfinity);
}

TEST(RelativeError, OfNanIsInfinite) {
  EXPECT_EQ(relativeError(Tensor::of({1}, {std::nan("")}), Tensor::of({1}, {std::nan("")})), kInfinity);
}

TEST(RelativeError, LeavesEqualInfinitiesOut) {
  EXPECT_EQ(relativeError(Tensor::of({2}, {-kInfinity, 1}), Tensor::of({2}, {-kInfinity, 1})), 0);
  EXPECT_EQ(relativeError(Tensor::of({2}, {-kInfinity, 1}), Tensor::of({2}, {kInfinity, 1})), kInfinity);
  EXPECT_EQ(relativeError(Tensor::of({2}, {0, 1}), Tensor::of({2}, {-kInfinity, 1})), kInfinity);
}

TEST(RelativeError, OfIntegersIsZeroOrInfinite) {
  EXPECT_EQ(relativeError(Tensor::ofIntegers({2}, {1, 2}), Tensor::ofIntegers({2}, {1, 2})), 0);
  EXPECT_EQ(relativeError(Tensor::ofIntegers({2}, {1, 2}), Tensor::ofIntegers({2}, {1, 3})), kInfinity);
}

TEST(Random, IsAFunctionOfSeedAndElement) {
  EXPECT_EQ(Tensor::random({6}, 3).values, Tensor::random({2, 3}, 3).values);
  EXPECT_NE(Tensor::random({6}, 3).values, Tensor::random({6}, 4).values);
}

TEST(Random, IntegersStayBelowTheirBound) {
  std::vector<int> seen(5);
  for (int64_t v : Tensor::randomIntegers({1000}, 1, 5).integers) {
    ASSERT_GE(v, 0);
    ASSERT_LT(v, 5);
    ++seen[v];
  }
  for (int count : seen) EXPECT_GT(count, 100);
}
