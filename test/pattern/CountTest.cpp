// Counts are those of enumeration.
#include "dialect/pattern/CountUnion.h"
#include "mlir/IR/MLIRContext.h"
#include "test/pattern/Support.h"

namespace drawloom::test {
namespace {

void check(const Pattern &p, int64_t n, int64_t heads) {
  int64_t pairs = 0;
  for (int64_t h = 0; h < heads; ++h)
    for (int64_t i = 0; i < n; ++i) {
      int64_t row = 0;
      for (int64_t j = 0; j <= i; ++j) row += p.contains(h, i, j, n);
      ASSERT_EQ(p.countRow(h, i, n), row) << p.spelling() << " head " << h << " query " << i << " n " << n;
      pairs += row;
    }
  ASSERT_EQ(p.countPairs(n, heads), pairs) << p.spelling() << " n " << n;
}

TEST(PatternCount, OfNamedFormsMatchesEnumeration) {
  for (int64_t n : {1, 5, 96, 97, 211})
    for (int64_t l : {1, 3, 16, 48, 96, 128}) {
      std::string L = std::to_string(l);
      for (std::string form : {"local(", "column(", "block(", "strided("}) check(parse(form + L + ")"), n, 2);
      for (int64_t c : {1, 3, 8, 16, 48})
        if (l % c == 0)
          for (std::string form : {"summary(", "fixed("})
            check(parse(form + L + "," + std::to_string(c) + ")"), n, 3);
    }
  check(parse("dense"), 77, 2);
  check(parse("heads(dense, local(5), fixed(12, c=3))"), 50, 7);
}

TEST(PatternCount, OfExpressionsMatchesEnumeration) {
  RandomPatterns random(5);
  for (int k = 0; k < 400; ++k) {
    check(parse(random.set(k % 3)), 1 + (k * 37) % 120, 2);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(PatternCount, OfUnionsOfPolygonsMatchesEnumeration) {
  mlir::MLIRContext context;
  for (std::string text :
       {"3 * i + 2 * j < 150 or i + j > 130", "(i + j) mod 6 < 2",
        "(i // 4 + j // 2) mod 3 == 1 or i + j == 77", "2 * j == i or 3 * j == i or i + j < 40"}) {
    Pattern p = parse(text);
    for (int64_t n : {40, 97, 150}) {
      std::vector<PieceView> views = makeViews(p, n, 1, &context);
      ASSERT_EQ(views.size(), 1u) << text;
      int64_t pairs = 0;
      for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j <= i; ++j) pairs += p.contains(0, i, j, n);
      EXPECT_EQ(countUnion(views[0].predicate, n, 0), pairs) << text << " n " << n;
    }
  }
}

} // namespace
} // namespace drawloom::test
