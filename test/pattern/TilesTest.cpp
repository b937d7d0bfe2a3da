// Tile runs and classifications against the definition, in both directions.
#include "dialect/pattern/Tiles.h"
#include "mlir/Analysis/FlatLinearValueConstraints.h"
#include "mlir/IR/MLIRContext.h"
#include "test/pattern/Support.h"

namespace drawloom::test {
namespace {

struct Tiles : testing::Test {
  mlir::MLIRContext context;
};

/// What a tile of the slice holds, by definition: rows [r0, r1), slots [t0, t1); full only if `whole`.
TileKind kindOf(const std::vector<std::vector<bool>> &grid, int64_t r0, int64_t r1, int64_t t0, int64_t t1,
                bool whole) {
  bool any = false, all = whole;
  for (int64_t r = r0; r < r1; ++r)
    for (int64_t t = t0; t < t1; ++t) (grid[r][t] ? any : all) = grid[r][t];
  return !any ? TileKind::Empty : all ? TileKind::Full : TileKind::Edge;
}

/// Checks that a run's kinds are those of the tiles. `exactEnds`: the first and the last tile of the run are
/// not empty.
void checkRun(const TileRange &x, const std::vector<TileKind> &tiles, bool exactEnds,
              const std::string &what) {
  ASSERT_LE(x.nonemptyLo, x.fullLo) << what;
  ASSERT_LE(x.fullLo, x.fullHi) << what;
  ASSERT_LE(x.fullHi, x.nonemptyHi) << what;
  for (int64_t k = 0; k < int64_t(tiles.size()); ++k) {
    bool inside = x.nonemptyLo <= k && k < x.nonemptyHi, full = x.fullLo <= k && k < x.fullHi;
    if (!inside) ASSERT_EQ(tiles[k], TileKind::Empty) << what << " tile " << k;
    ASSERT_EQ(full, tiles[k] == TileKind::Full) << what << " tile " << k;
    if (inside && exactEnds) ASSERT_NE(tiles[k], TileKind::Empty) << what << " tile " << k;
  }
}

/// The run that the affine bounds give, put in order as Tiles.h says.
TileRange runOf(const TileBounds &b, int64_t h, int64_t s, int64_t tile) {
  int64_t d[] = {h, s, tile};
  TileRange x;
  x.nonemptyLo = CompiledMap(b.nonemptyLo).max(d);
  x.nonemptyHi = std::max(x.nonemptyLo, CompiledMap(b.nonemptyHi).min(d));
  x.fullLo = std::clamp(CompiledMap(b.fullLo).max(d), x.nonemptyLo, x.nonemptyHi);
  x.fullHi = std::clamp(CompiledMap(b.fullHi).min(d), x.fullLo, x.nonemptyHi);
  return x;
}

/// Affine bounds against the run: the same tiles are met, but one edge tile may be named where none is met;
/// full ones may only be missed in a last, ragged tile.
void checkBounds(const TileRange &x, const TileRange &affine, bool ragged, const std::string &what) {
  bool empty = x.nonemptyLo == x.nonemptyHi;
  if (empty) {
    ASSERT_LE(affine.nonemptyHi - affine.nonemptyLo, 1) << what;
    ASSERT_EQ(affine.fullLo, affine.fullHi) << what;
    return;
  }
  ASSERT_EQ(affine.nonemptyLo, x.nonemptyLo) << what;
  ASSERT_EQ(affine.nonemptyHi, x.nonemptyHi) << what;
  if (affine.fullLo < affine.fullHi) {
    ASSERT_GE(affine.fullLo, x.fullLo) << what;
    ASSERT_LE(affine.fullHi, x.fullHi) << what;
  }
  if (!ragged) ASSERT_EQ(affine.fullHi - affine.fullLo, x.fullHi - x.fullLo) << what;
}

void checkView(const PieceView &view, int64_t Tq, int64_t Tk, bool exactEnds, const std::string &name) {
  TileClassifier classifier(view);
  const ViewEvaluator &v = classifier.evaluator();
  TileBounds keyBounds = keyTileBounds(view, Tq, Tk), queryBounds = queryTileBounds(view, Tq, Tk);
  int64_t h = view.heads.back();
  for (int64_t s = 0; s < v.slices(h); s += std::max<int64_t>(1, v.slices(h) - 1)) {
    int64_t rows = v.rows(h, s), keys = v.keys(h, s), qTiles = ceilDiv(rows, Tq), kTiles = ceilDiv(keys, Tk);
    std::vector<std::vector<bool>> grid(rows, std::vector<bool>(keys));
    for (int64_t r = 0; r < rows; ++r) {
      Interval x = v.keySlots(h, s, r);
      for (int64_t t = x.lo; t < x.hi; ++t) grid[r][t] = v.predicate(h, v.query(h, s, r), v.key(h, s, t));
    }
    auto kind = [&](int64_t q, int64_t k, bool whole) {
      return kindOf(grid, q * Tq, std::min(rows, (q + 1) * Tq), k * Tk, std::min(keys, (k + 1) * Tk), whole);
    };
    for (int64_t q = 0; q < qTiles; ++q) {
      std::vector<TileKind> tiles;
      for (int64_t k = 0; k < kTiles; ++k) {
        tiles.push_back(kind(q, k, (k + 1) * Tk <= keys));
        ASSERT_EQ(classifier.classify(h, s, q, k, Tq, Tk), tiles.back())
            << name << " slice " << s << " tile " << q << ", " << k;
      }
      if (!view.predicate.empty()) continue;
      std::string what = name + " slice " + std::to_string(s) + " query tile " + std::to_string(q);
      TileRange x = keyTiles(v, h, s, q, Tq, Tk);
      checkRun(x, tiles, exactEnds, what);
      checkBounds(x, runOf(keyBounds, h, s, q), (q + 1) * Tq > rows, what);
    }
    if (!view.predicate.empty()) continue;
    for (int64_t k = 0; k < kTiles; ++k) {
      std::vector<TileKind> tiles;
      for (int64_t q = 0; q < qTiles; ++q) tiles.push_back(kind(q, k, (q + 1) * Tq <= rows));
      std::string what = name + " slice " + std::to_string(s) + " key tile " + std::to_string(k);
      TileRange x = queryTiles(v, h, s, k, Tq, Tk);
      checkRun(x, tiles, exactEnds, what);
      checkBounds(x, runOf(queryBounds, h, s, k), (k + 1) * Tk > keys, what);
    }
  }
}

TEST_F(Tiles, OfNamedFormsMatchTheDefinition) {
  for (int64_t n : {1, 60, 129, 300})
    for (int64_t l : {1, 3, 16, 48, 128}) {
      std::string L = std::to_string(l);
      std::vector<std::string> texts = {"dense", "local(" + L + ")", "column(" + L + ")", "block(" + L + ")",
                                        "strided(" + L + ")"};
      for (int64_t c : {1, 8, 16})
        if (l % c == 0)
          texts.push_back("fixed(" + L + "," + std::to_string(c) + ")"),
              texts.push_back("summary(" + L + "," + std::to_string(c) + ")");
      for (const std::string &text : texts)
        for (const PieceView &view : makeViews(parse(text), n, 3, &context))
          for (auto [Tq, Tk] : {std::pair<int64_t, int64_t>{16, 16}, {64, 32}, {7, 40}}) {
            checkView(view, Tq, Tk, true, text + " n=" + std::to_string(n));
            if (HasFatalFailure()) return;
          }
    }
}

TEST_F(Tiles, OfRandomExpressionsMatchTheDefinition) {
  RandomPatterns random(23);
  for (int k = 0; k < 250; ++k) {
    Pattern p = parse(random.set(k % 3));
    for (const PieceView &view : makeViews(p, 90 + k % 20, 2, &context)) {
      checkView(view, 16, 12, false, p.spelling());
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(Tiles, LargeTilesOfPredicatesAreDecidedByIntervals) {
  PieceView view =
      makeViews(parse("i + j < 4000 or (i // 1024 + j // 1024) mod 2 == 0"), 8192, 1, &context).at(0);
  ASSERT_FALSE(view.predicate.empty());
  EXPECT_EQ(classify(view, 8192, 0, 1, 1, 1024, 1024), TileKind::Edge);  // the diagonal
  EXPECT_EQ(classify(view, 8192, 0, 4, 1, 1024, 1024), TileKind::Empty); // 4 + 1 is odd
  EXPECT_EQ(classify(view, 8192, 0, 4, 2, 1024, 1024), TileKind::Full);
  EXPECT_EQ(classify(view, 8192, 0, 2, 4, 1024, 1024), TileKind::Empty); // not causal
}

/// Presburger arithmetic as a second opinion: does the tile meet the set, does it meet the complement?
/// (Emptiness only: MLIR 22.1's subtract takes a condition on `mod` for the definition of the quotient and
/// loses it.)
TEST_F(Tiles, ClassificationAgreesWithPresburger) {
  using namespace mlir;
  auto meets = [&](const std::string &text, int64_t q, int64_t k) {
    AffineExpr h = getAffineDimExpr(0, &context), i = getAffineDimExpr(1, &context),
               j = getAffineDimExpr(2, &context);
    for (IntegerSet s : parse(text).sets(&context)) {
      s = s.replaceDimsAndSymbols({h, i, j}, {getAffineConstantExpr(128, &context)}, 3, 0);
      SmallVector<AffineExpr> exprs(s.getConstraints());
      SmallVector<bool> equalities(s.getEqFlags());
      exprs.append({h, -h, i - q * 16, -i + (q * 16 + 15), j - k * 16, -j + (k * 16 + 15)});
      equalities.append(6, false);
      if (!FlatLinearValueConstraints(IntegerSet::get(3, 0, exprs, equalities)).isIntegerEmpty()) return true;
    }
    return false;
  };
  for (std::string text :
       {"(i + j) mod 40 < 24", "(i // 16 - j // 16) mod 3 == 0", "2 * i - 3 * j < 10 or i + j > 150"}) {
    PieceView view = makeViews(parse(text), 128, 1, &context).at(0);
    ASSERT_FALSE(view.predicate.empty()) << text;
    for (int64_t q = 0; q < 8; ++q)
      for (int64_t k = 0; k < 8; ++k) {
        TileKind expected = !meets(text, q, k)                            ? TileKind::Empty
                            : k < q && !meets("not (" + text + ")", q, k) ? TileKind::Full
                                                                          : TileKind::Edge;
        EXPECT_EQ(classify(view, 128, 0, q, k, 16, 16), expected) << text << " tile " << q << ", " << k;
      }
  }
}

} // namespace
} // namespace drawloom::test
