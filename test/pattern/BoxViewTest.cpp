// A box moves exactly the rows of a tile: an element within the extents is a row at its position, and all
// rows are there.
#include "dialect/pattern/BoxView.h"
#include "dialect/pattern/PackSlices.h"
#include "mlir/IR/MLIRContext.h"
#include "test/pattern/Support.h"

namespace drawloom::test {
namespace {

class BoxViews : public testing::Test {
protected:
  mlir::MLIRContext context;
  int boxes = 0, refused = 0;

  PieceView viewOf(const std::string &text, int64_t n, int64_t heads = 1, size_t piece = 0) {
    return makeViews(parse(text), n, heads, &context).at(piece);
  }

  /// Goes through every element of every tile's box as a copy engine does.
  void check(const PieceView &view, int64_t n, int64_t tile, bool keys, bool attendedOnly,
             const std::string &what) {
    std::optional<BoxView> box = keys ? boxOfKeys(view, tile, attendedOnly) : boxOfQueries(view, tile);
    ++(box ? boxes : refused);
    if (!box) return;
    ASSERT_LE(box->dims.size(), 2u) << what;
    ASSERT_LE(box->rows(), tile) << what;
    for (const BoxDim &d : box->dims) {
      ASSERT_LE(d.box, kMaxBoxExtent) << what;
      ASSERT_GE(d.extent, 1) << what;
    }
    ViewEvaluator v(view);
    CompiledMap start(box->start);
    for (int64_t h : view.heads)
      for (int64_t s = 0; s < v.slices(h); ++s) {
        int64_t extent = keys ? v.keys(h, s) : v.rows(h, s);
        for (int64_t x = 0; x < extent; x += tile) {
          std::vector<bool> moved(tile);
          elements(*box, start, {h, s, x}, [&](int64_t row, int64_t position) {
            ASSERT_LT(x + row, extent) << what;
            ASSERT_EQ(position, keys ? v.key(h, s, x + row) : v.query(h, s, x + row))
                << what << " row " << x + row;
            ASSERT_LT(position, n) << what;
            moved[row] = true;
          });
          for (int64_t r = 0; r < std::min(tile, extent - x); ++r)
            ASSERT_TRUE(moved[r] || (attendedOnly && v.queryRows(h, s, x + r).empty()))
                << what << " row " << x + r;
        }
      }
  }

  /// Calls back for the elements of one box that lie inside, with their row and position.
  template <typename Body>
  static void elements(const BoxView &box, const CompiledMap &start, std::array<int64_t, 3> at, Body body) {
    int64_t row = 0, outer = box.dims.size() > 1 ? box.dims[1].box : 1;
    for (int64_t b = 0; b < outer; ++b)
      for (int64_t a = 0; a < box.dims[0].box; ++a, ++row) {
        int64_t ca = start.result(0, at.data()) + a, position = ca * box.dims[0].stride;
        bool inside = ca >= 0 && ca < box.dims[0].extent;
        if (box.dims.size() > 1) {
          int64_t cb = start.result(1, at.data()) + b;
          position += cb * box.dims[1].stride;
          inside &= cb >= 0 && cb < box.dims[1].extent;
        }
        if (inside) body(row, position);
      }
  }

  void checkAll(const std::string &text, int64_t n, int64_t heads) {
    for (const PieceView &view : makeViews(parse(text), n, heads, &context))
      for (int64_t tile : {16, 48, 64, 128})
        for (const PieceView &v : {view, packToFill(view, tile)}) {
          std::string what = text + " n=" + std::to_string(n) + " tile=" + std::to_string(tile);
          check(v, n, tile, false, false, what + " queries");
          check(v, n, tile, true, false, what + " keys");
          check(v, n, tile, true, true, what + " attended keys");
          if (HasFatalFailure()) return;
        }
  }
};

TEST_F(BoxViews, OfNamedFormsMoveExactlyTheirRows) {
  for (int64_t n : {1, 47, 97, 128, 300, 768})
    for (int64_t l : {1, 3, 16, 48, 96, 128}) {
      std::string L = std::to_string(l);
      for (std::string form : {"local(", "column(", "block(", "strided("}) checkAll(form + L + ")", n, 2);
      for (int64_t c : {1, 3, 8, 16, 48, 128})
        if (l % c == 0)
          for (std::string form : {"summary(", "fixed("})
            checkAll(form + L + ", c=" + std::to_string(c) + ")", n, 3);
    }
  printf("%d boxes, %d refused\n", boxes, refused);
}

TEST_F(BoxViews, OfRandomExpressionsMoveExactlyTheirRows) {
  RandomPatterns random(11);
  for (int k = 0; k < 300 && !HasFailure(); ++k)
    checkAll(random.set(k % 3), std::vector<int64_t>{1, 37, 64, 100, 129}[k % 5], 1 + k % 3);
  printf("%d boxes, %d refused\n", boxes, refused);
  EXPECT_GT(boxes, refused);
}

/// What a kernel counts on: these have boxes, for queries and for keys that are attended to.
TEST_F(BoxViews, ExistForTheModelsPatterns) {
  for (auto [text, n, tile] :
       std::vector<std::tuple<std::string, int64_t, int64_t>>{{"local(128)", 12288, 128},
                                                              {"local(97)", 1001, 64},
                                                              {"column(128)", 12288, 128},
                                                              {"column(96)", 3072, 64},
                                                              {"column(256)", 65536, 128},
                                                              {"block(128)", 12288, 128},
                                                              {"block(128)", 1000, 128},
                                                              {"block(96)", 1000, 128},
                                                              {"summary(128, c=32)", 12288, 128},
                                                              {"summary(128, c=8)", 1024, 64},
                                                              {"fixed(128, c=32)", 1000, 64},
                                                              {"fixed(128, c=8)", 1000, 64},
                                                              {"dense", 1001, 128},
                                                              {"i // 32 == j // 32 + 1", 100, 64}})
    for (const PieceView &view : makeViews(parse(text), n, 8, &context)) {
      EXPECT_TRUE(boxOfQueries(view, tile)) << text << " n=" << n;
      EXPECT_TRUE(boxOfKeys(view, tile, /*attendedOnly=*/true)) << text << " n=" << n;
    }
}

TEST_F(BoxViews, OfAColumnHaveAStride) {
  BoxView box = *boxOfQueries(viewOf("column(32)", 320), 64);
  ASSERT_EQ(box.dims.size(), 2u);
  EXPECT_EQ(box.dims[0].extent, 10);
  EXPECT_EQ(box.dims[0].stride, 32);
  EXPECT_EQ(box.dims[0].box, 64);
  EXPECT_EQ(box.dims[1].extent, 32);
  EXPECT_EQ(box.dims[1].stride, 1);
  EXPECT_EQ(box.dims[1].box, 1);
}

TEST_F(BoxViews, OfPackedColumnsHoldSeveral) {
  PieceView view = packToFill(viewOf("column(96)", 96 * 24), 64);
  BoxView box = *boxOfQueries(view, 64);
  EXPECT_EQ(box.rows(), 48);
  EXPECT_EQ(box.dims[0].box, 24);
  EXPECT_EQ(box.dims[1].box, 2);
}

TEST_F(BoxViews, OfSummariesStartAtTheHeadsOffset) {
  BoxView box = *boxOfKeys(viewOf("summary(128, c=32)", 1280, 8), 64, true);
  ASSERT_EQ(box.dims.size(), 2u);
  EXPECT_EQ(box.dims[0].box, 32);
  EXPECT_EQ(box.dims[1].box, 2);
  CompiledMap start(box.start);
  int64_t at[] = {1, 0, 64};
  EXPECT_EQ(start.result(0, at), 64);
  EXPECT_EQ(start.result(1, at), 2);
}

TEST_F(BoxViews, AreRefusedWhereARectangleIsNoFit) {
  EXPECT_FALSE(boxOfQueries(viewOf("column(32)", 100), 64)); // some columns have one row more
  EXPECT_FALSE(
      boxOfQueries(viewOf("block(96)", 1000), 64)); // the second tile of a block runs into the next one
  EXPECT_FALSE(boxOfKeys(viewOf("summary(96, c=12)", 960), 64, true)); // 12 does not divide 64
}

} // namespace
} // namespace drawloom::test
