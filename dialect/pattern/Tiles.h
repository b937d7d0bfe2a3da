// Tiles of a view: which key tiles a query tile meets, which of them are full, and the transposed question.
//
// A query tile q is the rows [q Tq, min((q + 1) Tq, rows)) of a slice, a key tile k the slots [k Tk, min((k +
// 1) Tk, keys)). Because the bounds do not decrease, the key tiles of a query tile fall into three runs,
//
//     [nonemptyLo, fullLo) edge      [fullLo, fullHi) full      [fullHi, nonemptyHi) edge
//
// and every tile outside is empty. A key tile is full for q when every row of q attends to all its Tk slots
// (so a last key tile of fewer than Tk slots is never full, it needs its mask); a query tile is full for k
// when all its Tq rows attend to every slot of k.
#pragma once
#include "dialect/pattern/ViewQuery.h"

namespace drawloom {

/// nonemptyLo <= fullLo <= fullHi <= nonemptyHi; nonemptyLo == nonemptyHi if no tile is met.
struct TileRange {
  int64_t nonemptyLo = 0, fullLo = 0, fullHi = 0, nonemptyHi = 0;
};

/// Key tiles of query tile `tile` in slice s of head h, from the view's bounds (with a predicate nothing is
/// full). O(1).
TileRange keyTiles(const ViewEvaluator &view, int64_t h, int64_t s, int64_t tile, int64_t Tq, int64_t Tk);
/// Query tiles of key tile `tile`.
TileRange queryTiles(const ViewEvaluator &view, int64_t h, int64_t s, int64_t tile, int64_t Tq, int64_t Tk);

/// The same as affine maps (h, s, tile) -> results: a lower bound is the greatest result, an upper bound the
/// least. They may come out of order when a range is empty, so a loop nest takes, with lo = nonemptyLo, hi =
/// max(lo, nonemptyHi), f0 = min(max(fullLo, lo), hi), f1 = min(max(fullHi, f0), hi): edge [lo, f0), full
/// [f0, f1), edge [f1, hi). They say what TileRange says, but for two things an affine form cannot tell: in
/// the last tile of a ragged slice fullLo is that of a whole tile, so some full tiles may count as edge; and
/// where no tile is met they may name one as edge.
struct TileBounds {
  mlir::AffineMap nonemptyLo, fullLo, fullHi, nonemptyHi;
};
TileBounds keyTileBounds(const PieceView &view, int64_t Tq, int64_t Tk);
TileBounds queryTileBounds(const PieceView &view, int64_t Tq, int64_t Tk);

enum class TileKind { Empty, Edge, Full };

/// What the tile (qTile, kTile) of slice s holds, bounds and predicate together. Proved: by the view's
/// bounds, then by interval arithmetic on the predicate's affine atoms, then, for tiles of at most 65536
/// pairs, by going through all of them; a larger tile that interval arithmetic cannot decide is Edge. Full is
/// as in keyTiles.
class TileClassifier {
public:
  explicit TileClassifier(const PieceView &view);
  TileKind classify(int64_t h, int64_t s, int64_t qTile, int64_t kTile, int64_t Tq, int64_t Tk) const;
  const ViewEvaluator &evaluator() const { return view; }

private:
  ViewEvaluator view;
  std::vector<mlir::IntegerSet> predicate;
};

/// One question (prepare a TileClassifier for many). The slice is 0: predicate views have one.
TileKind classify(const PieceView &view, int64_t n, int64_t h, int64_t qTile, int64_t kTile, int64_t Tq,
                  int64_t Tk);

} // namespace drawloom
