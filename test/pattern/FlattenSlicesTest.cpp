// Views in positions hold the same pairs, have every position as a row, and keep the invariants of View.h.
#include "dialect/pattern/FlattenSlices.h"
#include "mlir/IR/MLIRContext.h"
#include "test/pattern/Support.h"

namespace drawloom::test {
namespace {

class FlattenSlices : public testing::Test {
protected:
  mlir::MLIRContext context;

  /// How many of the pattern's pieces have a form in positions.
  int check(const std::string &text, int64_t n, int64_t heads) {
    int flattened = 0;
    for (const PieceView &view : makeViews(parse(text), n, heads, &context)) {
      std::optional<PieceView> flat = inPositions(view, n);
      if (!flat) continue;
      ++flattened;
      std::string what = text + " n=" + std::to_string(n);
      EXPECT_EQ(verifyView(*flat, n, heads).value_or("none"), "none") << what;
      EXPECT_EQ(pairsOf(*flat), pairsOf(view)) << what;
      ViewEvaluator v(*flat);
      for (int64_t h : flat->heads) {
        EXPECT_EQ(v.slices(h), 1) << what;
        EXPECT_EQ(v.rows(h, 0), n) << what;
        for (int64_t i = 0; i < n; ++i) EXPECT_EQ(v.query(h, 0, i), i) << what;
      }
      if (HasFailure()) break;
    }
    return flattened;
  }
};

TEST_F(FlattenSlices, BlocksOfAnyLengthAreOneRunOfRows) {
  for (int64_t n : {1, 47, 96, 128, 1000})
    for (int64_t l : {1, 3, 16, 48, 96, 128})
      EXPECT_EQ(check("block(" + std::to_string(l) + ")", n, 2), 1) << l << " " << n;
}

TEST_F(FlattenSlices, BothPiecesOfFixedHaveTheSameRows) {
  for (int64_t n : {400, 1000})
    for (int64_t l : {16, 96, 128})
      EXPECT_EQ(check("fixed(" + std::to_string(l) + ", c=8)", n, 3), 2) << l << " " << n;
}

TEST_F(FlattenSlices, WindowsAreSoAlreadyAndColumnsAreNot) {
  EXPECT_EQ(check("local(20)", 130, 1), 1);
  EXPECT_EQ(check("column(20)", 130, 1), 0);
  EXPECT_EQ(check("strided(20)", 130, 1), 1);
}

TEST_F(FlattenSlices, RandomExpressionsKeepTheirPairs) {
  RandomPatterns random(11);
  int flattened = 0;
  for (int k = 0; k < 400 && !HasFailure(); ++k)
    flattened += check(random.set(k % 3), std::vector<int64_t>{1, 37, 60, 72}[k % 4], 1 + k % 3);
  EXPECT_GT(flattened, 20);
}

} // namespace
} // namespace drawloom::test
