// The affine sets of a pattern are the pattern; named forms are PAPER.md's table.
#include "mlir/IR/MLIRContext.h"
#include "test/pattern/Support.h"

namespace drawloom::test {
namespace {

TEST(PatternSets, NamedFormsAreThoseOfThePaper) {
  int64_t l = 6, c = 2, n = 40;
  for (int64_t h = 0; h < 5; ++h)
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < n; ++j) {
        bool causal = j <= i, local = i - l < j, column = (i - j) % l == 0, block = i / l == j / l;
        int64_t k = h % (l / c);
        bool summary = l - c * (k + 1) <= j % l && j % l < l - c * k;
        auto has = [&](const char *text) { return parse(text).contains(h, i, j, n); };
        ASSERT_EQ(has("local(6)"), causal && local);
        ASSERT_EQ(has("column(6)"), causal && column);
        ASSERT_EQ(has("block(6)"), causal && block);
        ASSERT_EQ(has("summary(6, 2)"), causal && summary);
        ASSERT_EQ(has("strided(6)"), causal && (local || column));
        ASSERT_EQ(has("fixed(6, c=2)"), causal && (block || summary));
        ASSERT_EQ(has("dense"), causal);
      }
}

TEST(PatternSets, LocalHasExactlyLKeys) { EXPECT_EQ(parse("local(5)").countRow(0, 20, 30), 5); }

TEST(PatternSets, HeadsTakeTheirMember) {
  Pattern p = parse("heads(local(2), dense, column(3))");
  EXPECT_EQ(p.forHead(4).spelling(), "dense");
  EXPECT_EQ(p.countRow(3, 10, 12), 2);
  EXPECT_EQ(p.countRow(5, 10, 12), 4);
}

TEST(PatternSets, HeadsInsideSeeTheirGlobalNumber) {
  Pattern p = parse("heads(local(1), summary(4, c=1))"); // head 3 has k = 3: position 0 of each block
  EXPECT_TRUE(p.contains(3, 9, 4, 10));
  EXPECT_FALSE(p.contains(3, 9, 5, 10));
}

TEST(PatternSets, AffineSetsAgreeWithEvaluation) {
  mlir::MLIRContext context;
  RandomPatterns random(11);
  std::vector<std::string> texts = {
      "fixed(8, c=2)",     "strided(5)",   "heads(local(3), column(4), j < 2)", "not heads(dense, local(2))",
      "not fixed(8, c=4)", "j * 3 < n - h"};
  for (int k = 0; k < 150; ++k) texts.push_back(random.set(k % 4));
  for (const std::string &text : texts) {
    Pattern p = parse(text);
    int64_t n = 23;
    std::vector<mlir::IntegerSet> sets;
    for (mlir::IntegerSet s : p.sets(&context)) {
      ASSERT_EQ(s.getNumDims(), 3u);
      ASSERT_EQ(s.getNumSymbols(), 1u);
      sets.push_back(
          s.replaceDimsAndSymbols({mlir::getAffineDimExpr(0, &context), mlir::getAffineDimExpr(1, &context),
                                   mlir::getAffineDimExpr(2, &context)},
                                  {mlir::getAffineConstantExpr(n, &context)}, 3, 0));
    }
    CompiledSet compiled(sets);
    for (int64_t h = 0; h < 4; ++h)
      for (int64_t i = 0; i < n + 2; ++i)
        for (int64_t j = 0; j < n + 2; ++j)
          ASSERT_EQ(compiled.contains(h, i, j), p.contains(h, i, j, n))
              << text << " at " << h << " " << i << " " << j;
  }
}

} // namespace
} // namespace drawloom::test
