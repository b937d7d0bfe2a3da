// Questions about a million positions. The bound is generous for busy machines; the time is printed.
#include "dialect/pattern/Tiles.h"
#include "mlir/IR/MLIRContext.h"
#include "test/pattern/Support.h"
#include <chrono>

namespace drawloom::test {
namespace {

constexpr int64_t kMillion = 1 << 20;

/// Views, counts, coverage, bounds and the classification of tiles all over the matrix; returns seconds.
double ask(const std::string &text, int64_t heads) {
  auto begin = std::chrono::steady_clock::now();
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  Pattern p = parse(text);
  std::vector<PieceView> views = makeViews(p, kMillion, heads, &context);
  EXPECT_FALSE(views.empty());
  int64_t pairs = p.countPairs(kMillion, heads), row = p.countRow(heads - 1, kMillion - 1, kMillion);
  EXPECT_GT(pairs, 0);
  EXPECT_GT(row, 0);
  for (const PieceView &view : views) {
    TileClassifier classifier(view);
    const ViewEvaluator &v = classifier.evaluator();
    keyTileBounds(view, 64, 64), queryTileBounds(view, 64, 64);
    int64_t h = view.heads.front(), s = v.slices(h) / 2, qTiles = ceilDiv(v.rows(h, s), 64),
            kTiles = ceilDiv(v.keys(h, s), 64);
    for (int64_t q = 0; q < qTiles; q += 1 + qTiles / 40) {
      TileRange x = keyTiles(v, h, s, q, 64, 64);
      for (int64_t k = 0; k < kTiles; k += 1 + kTiles / 40)
        EXPECT_EQ(classifier.classify(h, s, q, k, 64, 64) == TileKind::Full, x.fullLo <= k && k < x.fullHi)
            << text;
    }
    for (int64_t k = 0; k < kTiles; k += 1 + kTiles / 40) queryTiles(v, h, s, k, 64, 64);
  }
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  printf("%-40s %7.1f ms, %zu pieces, %lld pairs\n", text.c_str(), seconds * 1e3, views.size(),
         (long long)pairs);
  return seconds;
}

TEST(Million, NamedFormsAnswerAtOnce) {
  for (std::string text :
       {"dense", "local(1024)", "column(1024)", "block(1024)", "strided(1024)", "summary(1024, c=32)",
        "fixed(1024, c=32)", "fixed(1000, c=8)", "strided(1)", "heads(strided(1000), fixed(1024, c=16))"})
    EXPECT_LT(ask(text, 8), 5.0) << text;
}

TEST(Million, ExpressionsWithViewsAnswerAtOnce) {
  for (std::string text : {"i - j < 64 or (i - j) mod 256 == 0", "j < 4 or i - j < 1000",
                           "local(1000) or summary(1024, c=16)", "i // 64 - j // 64 <= 3 or column(777)"})
    EXPECT_LT(ask(text, 8), 5.0) << text;
}

TEST(Million, OtherExpressionsAnswerToo) {
  for (std::string text :
       {"(i + j) mod 7 == 0", "3 * j < i or i + j < 5000", "(i // 64 - j // 64) mod 3 == 0"}) {
    mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
    auto begin = std::chrono::steady_clock::now();
    Pattern p = parse(text);
    PieceView view = makeViews(p, kMillion, 1, &context).at(0);
    int64_t pairs = p.countPairs(kMillion, 1);
    TileClassifier classifier(view);
    int64_t known = 0;
    for (int64_t q = 0; q < kMillion / 64; q += 1001)
      for (int64_t k = 0; k <= q; k += 1001)
        known += classifier.classify(0, 0, q, k, 64, 64) != TileKind::Edge;
    double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    printf("%-40s %7.1f ms, %lld pairs, %lld tiles empty or full\n", text.c_str(), seconds * 1e3,
           (long long)pairs, (long long)known);
    EXPECT_LT(seconds, 5.0) << text;
  }
}

} // namespace
} // namespace drawloom::test
