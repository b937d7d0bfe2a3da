// Views cover exactly the set that direct evaluation gives, every pair once, and keep the invariants of View.h.
#include "test/pattern/Support.h"
#include "mlir/IR/MLIRContext.h"

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
            ADD_FAILURE() << p.spelling() << " n=" << n << ": pair (" << h << ", " << i << ", " << j << ") occurs "
                          << seen[h][i * n + j] << " times";
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
          EXPECT_EQ(check(parse(form + L + ", c=" + std::to_string(c) + ")"), n, c == 16 ? 9 : 3), 0) << form << l << " " << c << " n=" << n;
      }
    }
}

TEST_F(Views, OfRandomExpressionsAreExact) {
  RandomPatterns random(7);
  int dense = 0, total = 0;
  for (int k = 0; k < 1500; ++k) {
    Pattern p = parse(random.set(k % 3));
    int64_t n = std::vector<int64_t>{1, 37, 64, 100, 129}[k % 5];
    dense += check(p, n, 1 + k % 3) == 0, ++total;
    if (HasFailure()) break;
  }
  printf("dense: %d of %d\n", dense, total);
}

} // namespace
} // namespace drawloom::test
