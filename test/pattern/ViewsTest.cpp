// Views cover exactly the set that direct evaluation gives, every pair once, and keep the invariants of
// View.h.
#include "mlir/IR/MLIRContext.h"
#include "test/pattern/Support.h"

namespace drawloom::test {
namespace {

class Views : public testing::Test {
protected:
  mlir::MLIRContext context;

  /// Compares views with brute force, and returns how many pieces have a predicate.
  int check(const Pattern &p, int64_t n, int64_t heads) {
    std::vector<PieceView> views = makeViews(p, n, heads, &context);
    std::vector<std::vector<int>> seen(heads, std::vector<int>(n * n));
    int predicates = 0;
    for (const PieceView &view : views) {
      std::optional<std::string> problem = verifyView(view, n, heads);
      EXPECT_FALSE(problem) << *problem << " of " << p.spelling() << " n=" << n;
      predicates += !view.predicate.empty();
      ViewEvaluator v(view);
      for (int64_t h : view.heads)
        for (int64_t s = 0; s < v.slices(h); ++s)
          for (int64_t r = 0; r < v.rows(h, s); ++r) {
            int64_t i = v.query(h, s, r);
            Interval x = v.keySlots(h, s, r);
            for (int64_t t = x.lo; t < x.hi; ++t) {
              int64_t j = v.key(h, s, t);
              if (v.predicate(h, i, j)) ++seen[h][i * n + j];
            }
          }
    }
    int wrong = 0;
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < n; ++j)
          if (seen[h][i * n + j] != int(p.contains(h, i, j, n)) && wrong++ == 0)
            ADD_FAILURE() << p.spelling() << " n=" << n << ": pair (" << h << ", " << i << ", " << j
                          << ") occurs " << seen[h][i * n + j] << " times";
    return predicates;
  }
};

TEST_F(Views, OfNamedFormsAreDenseAndExact) {
  for (int64_t n : {1, 2, 47, 97, 128, 300})
    for (int64_t l : {1, 3, 16, 48, 96, 128}) {
      std::string L = std::to_string(l);
      for (std::string form : {"local(", "column(", "block(", "strided("})
        EXPECT_EQ(check(parse(form + L + ")"), n, 2), 0) << form << l << " n=" << n;
      for (int64_t c : {1, 2, 3, 8, 16, 48, 128}) {
        if (l % c) continue;
        for (std::string form : {"summary(", "fixed("})
          EXPECT_EQ(check(parse(form + L + ", c=" + std::to_string(c) + ")"), n, c == 16 ? 9 : 3), 0)
              << form << l << " " << c << " n=" << n;
      }
    }
}

TEST_F(Views, OfRandomExpressionsAreExact) {
  RandomPatterns random(7);
  int dense = 0, total = 0;
  for (int k = 0; k < 900; ++k) {
    std::string text = random.set(k % 3);
    if (k % 7 == 0) text = "heads(" + text + ", " + random.set(1) + ")";
    int64_t n = k % 90 == 0 ? 300 : std::vector<int64_t>{1, 37, 64, 100, 129}[k % 5];
    dense += check(parse(text), n, 1 + k % 3) == 0, ++total;
    if (HasFailure()) return;
  }
  printf("%d of %d without a predicate\n", dense, total);
  EXPECT_GT(dense, total / 2); // most of what people write has views
}

/// Unions, windows and dilations that have dense views; the pieces are counted so that a lost simplification
/// shows.
TEST_F(Views, OfCommonUnionsAreDense) {
  const std::pair<const char *, size_t> kCases[] = {
      {"j < 4 or i - j < 64", 2},                  // sinks and a window
      {"i - j < 40 and (i - j) mod 4 == 0", 1},    // a dilated window
      {"i - j < 16 or (i - j) mod 32 == 0", 2},    // strided, written out
      {"i mod 24 == j mod 24", 1},                 // column, written out
      {"i // 32 == j // 32 or j mod 32 >= 28", 2}, // fixed, written out
      {"i // 32 - j // 32 <= 1", 1},               // this block and the one before
      {"i // 32 == j // 32 + 1", 1},               // the block before
      {"summary(32, c=8)", 1},                     // the own block's summary ends at the query
      {"j mod 32 >= 24 and i - j <= 40", 1},       // packed keys that begin and end within a block
      {"local(20) or summary(32, c=8)", 2},        // a window that ends within blocks
      {"block(16) or column(16)", 2},
      {"local(50) or local(20)", 1},
      {"not local(20)", 1},
      {"dense and i >= 30 and j >= 10", 1},
      {"fixed(16, c=4) or dense", 1},
      {"0 * i == 1", 0},
      {"i - j >= 200", 0},
  };
  for (auto [text, pieces] : kCases)
    for (int64_t n : {150, 97}) {
      EXPECT_EQ(check(parse(text), n, 5), 0) << text;
      EXPECT_EQ(makeViews(parse(text), n, 5, &context).size(), pieces) << text << " n=" << n;
    }
}

TEST_F(Views, OfPatternsThatVaryWithTheHeadAreDensePerHead) {
  EXPECT_EQ(check(parse("(i - j) mod 8 == h"), 60, 8), 0);
  EXPECT_EQ(check(parse("i - j < 4 * h + 4"), 60, 5), 0);
  EXPECT_EQ(check(parse("column(16) or summary(16, c=4)"), 75, 6), 0);
  EXPECT_EQ(makeViews(parse("i - j < 4 * (h mod 2) + 4"), 60, 8, &context).size(),
            2u); // heads with one formula share
}

TEST_F(Views, OfHeadsListTheirHeads) {
  std::vector<PieceView> views = makeViews(parse("heads(local(3), column(4), local(3))"), 40, 7, &context);
  ASSERT_EQ(views.size(), 2u);
  EXPECT_EQ(views[0].heads, (std::vector<int64_t>{0, 2, 3, 5, 6}));
  EXPECT_EQ(views[1].heads, (std::vector<int64_t>{1, 4}));
}

TEST_F(Views, OfOddSetsHaveOnePredicatePieceWithEnclosingBounds) {
  std::vector<PieceView> views = makeViews(parse("i - j <= 20 and (i + j) mod 5 == 0"), 60, 2, &context);
  ASSERT_EQ(views.size(), 1u);
  EXPECT_EQ(views[0].predicate.size(), 1u);
  ViewEvaluator v(views[0]);
  EXPECT_EQ(v.keySlots(0, 0, 50).lo, 30);
  EXPECT_EQ(v.keySlots(0, 0, 50).hi, 51);
}

/// The coordinates themselves: what the compiler addresses memory by.
TEST_F(Views, OfColumnAreResiduesAndOfBlockAreBlocks) {
  PieceView column = makeViews(parse("column(32)"), 100, 1, &context).at(0);
  ViewEvaluator c(column);
  EXPECT_EQ(c.slices(0), 32);
  EXPECT_EQ(c.rows(0, 3), 4);
  EXPECT_EQ(c.rows(0, 4), 3); // ragged
  EXPECT_EQ(c.query(0, 3, 2), 67);
  EXPECT_EQ(c.keySlots(0, 3, 2).size(), 3);
  PieceView block = makeViews(parse("block(32)"), 100, 1, &context).at(0);
  ViewEvaluator b(block);
  EXPECT_EQ(b.slices(0), 4);
  EXPECT_EQ(b.rows(0, 3), 4);
  EXPECT_EQ(b.key(0, 2, 5), 69);
}

TEST_F(Views, OfFixedPackTheSummariesOfEarlierBlocks) {
  PieceView summary = makeViews(parse("fixed(128, c=32)"), 1000, 4, &context).at(1);
  ViewEvaluator v(summary);
  EXPECT_EQ(v.keySlots(1, 0, 300).lo, 0);
  EXPECT_EQ(v.keySlots(1, 0, 300).hi, 64);
  EXPECT_EQ(v.key(1, 0, 33), 128 + 64 + 1); // head 1: the second 32 from the block's end
  EXPECT_EQ(v.queryRows(1, 0, 33).lo, 256);
}

TEST_F(Views, InverseQueryFindsEveryRow) {
  for (const char *text : {"dense", "column(12)", "block(24)", "summary(24, c=6)", "i // 32 == j // 32 + 1",
                           "column(8) and j mod 8 < 3", "i >= 20"})
    for (const PieceView &view : makeViews(parse(text), 85, 3, &context)) {
      ViewEvaluator v(view);
      QueryInverse inverse = inverseQuery(view);
      CompiledMap slice(inverse.slice), row(inverse.row);
      int64_t found = 0, rows = 0, h = view.heads.back();
      for (int64_t i = 0; i < 85; ++i) {
        int64_t d[] = {h, i}, s = slice.result(0, d), r = row.result(0, d);
        if (s < 0 || s >= v.slices(h) || r < 0 || r >= v.rows(h, s)) continue;
        EXPECT_EQ(v.query(h, s, r), i) << text;
        ++found;
      }
      for (int64_t s = 0; s < v.slices(h); ++s) rows += v.rows(h, s);
      EXPECT_EQ(found, rows) << text;
    }
}

TEST_F(Views, CoverAllRowsUnlessSomeAreLeftOut) {
  EXPECT_TRUE(coversAllRows(makeViews(parse("column(7)"), 50, 2, &context).at(0), 50, 2));
  EXPECT_TRUE(coversAllRows(makeViews(parse("block(17)"), 50, 2, &context).at(0), 50, 2));
  EXPECT_FALSE(coversAllRows(makeViews(parse("i >= 3"), 50, 2, &context).at(0), 50, 2));
  EXPECT_FALSE(coversAllRows(makeViews(parse("heads(dense, local(2))"), 50, 2, &context).at(0), 50, 2));
}

/// verifyView must say no: each case breaks one invariant of a good view.
class VerifyView : public Views {
protected:
  PieceView view = makeViews(parse("local(5)"), 20, 2, &context).at(0);
  mlir::AffineExpr x = mlir::getAffineDimExpr(2, &context);
  mlir::AffineMap map(mlir::AffineExpr e) { return mlir::AffineMap::get(3, 0, e); }
  std::string problem() { return verifyView(view, 20, 2).value_or("none"); }
};

TEST_F(VerifyView, AcceptsAGoodView) { EXPECT_EQ(problem(), "none"); }
TEST_F(VerifyView, NamesHeadsThatDoNotExist) {
  view.heads = {0, 2};
  EXPECT_EQ(problem(), "expected ascending heads below 2");
}
TEST_F(VerifyView, NamesPositionsOutOfRange) {
  view.query = map(x + 1);
  EXPECT_EQ(problem(), "expected a query position below n, found 20 at slice 0, row 19 in head 0");
}
TEST_F(VerifyView, NamesRepeatedQueries) {
  view.query = map(x.floorDiv(2));
  EXPECT_EQ(problem(), "query 0 occurs twice at slice 0, row 1 in head 0");
}
TEST_F(VerifyView, NamesRepeatedKeys) {
  view.key = map(x.floorDiv(2));
  EXPECT_EQ(problem(), "key 0 occurs twice at slice 0, slot 1 in head 0");
}
TEST_F(VerifyView, NamesDecreasingBounds) {
  view.keyHi = map(-x + 30);
  EXPECT_EQ(problem(), "keyHi decreases at slice 0, row 1 in head 0");
}
TEST_F(VerifyView, NamesDisagreeingBounds) {
  view.rowHi = map(x + 4);
  EXPECT_EQ(problem(), "key bounds and row bounds disagree at slice 0, row 4, slot 0 in head 0");
}

} // namespace
} // namespace drawloom::test
