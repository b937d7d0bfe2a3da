// Packed views hold the same pairs and keep the invariants of View.h.
#include "dialect/pattern/PackSlices.h"
#include "mlir/IR/MLIRContext.h"
#include "test/pattern/Support.h"

namespace drawloom::test {
namespace {

class PackSlices : public testing::Test {
protected:
  mlir::MLIRContext context;
  int packed = 0;

  void check(const std::string &text, int64_t n, int64_t heads) {
    for (const PieceView &view : makeViews(parse(text), n, heads, &context))
      for (int64_t count : {1, 2, 3, 5, 100}) {
        std::optional<PieceView> pack = packSlices(view, count);
        if (!pack) continue;
        ++packed;
        std::string what = text + " n=" + std::to_string(n) + " by " + std::to_string(count);
        EXPECT_EQ(verifyView(*pack, n, heads).value_or("none"), "none") << what;
        EXPECT_EQ(pairsOf(*pack), pairsOf(view)) << what;
        if (HasFailure()) return;
      }
  }
};

TEST_F(PackSlices, KeepsThePairsOfNamedForms) {
  for (int64_t n : {47, 96, 128, 192})
    for (int64_t l : {1, 3, 16, 48, 96}) {
      std::string L = std::to_string(l);
      for (std::string form : {"local(", "column(", "block(", "strided("}) check(form + L + ")", n, 2);
      check("fixed(" + L + ", c=1)", n, 3);
    }
  EXPECT_GT(packed, 100);
}

TEST_F(PackSlices, KeepsThePairsOfRandomExpressions) {
  RandomPatterns random(5);
  for (int k = 0; k < 400 && !HasFailure(); ++k)
    check(random.set(k % 3), std::vector<int64_t>{1, 37, 60, 72}[k % 4], 1 + k % 3);
  printf("%d packed\n", packed);
  EXPECT_GT(packed, 40);
}

TEST_F(PackSlices, LeavesUnequalSlicesAlone) {
  PieceView column = makeViews(parse("column(32)"), 100, 1, &context).at(0);
  EXPECT_FALSE(packSlices(column, 2));
  EXPECT_EQ(packToFill(column, 64).rows, column.rows);
}

TEST_F(PackSlices, LeavesPredicatesAlone) {
  EXPECT_FALSE(packSlices(makeViews(parse("(i + j) mod 5 == 0"), 60, 1, &context).at(0), 2));
}

TEST_F(PackSlices, FillsATileWithWholeSlices) {
  PieceView column = makeViews(parse("column(96)"), 96 * 24, 1, &context).at(0);
  ViewEvaluator v(packToFill(column, 128)); // five columns of 24 rows
  EXPECT_EQ(v.slices(0), 20);
  EXPECT_EQ(v.rows(0, 0), 120);
  EXPECT_EQ(v.rows(0, 19), 24);
  EXPECT_EQ(v.query(0, 1, 25), 96 + 6);
  EXPECT_EQ(v.keySlots(0, 1, 25).lo, 24);
  EXPECT_EQ(v.keySlots(0, 1, 25).hi, 26);
}

} // namespace
} // namespace drawloom::test
