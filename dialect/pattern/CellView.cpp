#include "dialect/pattern/CellView.h"
#include "dialect/pattern/Coordinates.h"
#include <numeric>

using namespace mlir;
using llvm::SmallVector;

namespace drawloom {
namespace {

constexpr int64_t kSmallestBlock =
    16; ///< shorter blocks make better tiles side by side in the contiguous view

using Views = std::vector<PieceView>;

/// A cell's conditions sorted by kind.
struct Sorted {
  struct Lattice {
    int64_t m, e; ///< (i - j) mod m == e
  };
  std::optional<Lattice> lattice;
  std::optional<KeyBand> band;
  SmallVector<Relation> relations;
};

/// (i - j) mod a.m == a.e and mod b.m == b.e as one lattice; nothing if they exclude each other (the cell
/// would be empty).
std::optional<Sorted::Lattice> meet(Sorted::Lattice a, Sorted::Lattice b) {
  int64_t m = std::lcm(a.m, b.m);
  for (int64_t e = a.e; e < m; e += a.m)
    if (e % b.m == b.e) return Sorted::Lattice{m, e};
  return std::nullopt;
}

class CellViewBuilder {
public:
  CellViewBuilder(const CellSpace &space, const std::vector<int64_t> &heads) : space(space), heads(heads) {}

  std::optional<Views> build(const Cell &cell) const {
    // A run of residues around the end is two runs.
    for (size_t k = 0; k < cell.size(); ++k) {
      const Cond &c = cell[k];
      if (c.kind != Cond::Residue || c.axis == Cond::Distance || c.start + c.w <= c.m) continue;
      Cell front(cell), back(cell);
      front[k].start = 0, front[k].w = c.start + c.w - c.m;
      back[k].w = c.m - c.start;
      return buildAll({front, back});
    }
    std::optional<Sorted> sorted = sort(cell);
    if (!sorted) return std::nullopt;
    if (sorted->lattice) {
      if (sorted->band && (sorted->band->l != sorted->lattice->m || sorted->lattice->e != 0))
        return std::nullopt;
      return one(residueCoordinates(space, sorted->lattice->m, sorted->lattice->e, sorted->band), *sorted);
    }
    if (std::optional<Block> block = findBlock(cell)) {
      bool fits = sorted->band ? sorted->band->l == block->l : block->l >= kSmallestBlock;
      if (fits) return one(blockCoordinates(space, block->l, block->shift, sorted->band), *sorted);
    }
    return one(sorted->band ? packedCoordinates(space, *sorted->band) : trimmed(*sorted), *sorted);
  }

private:
  std::optional<Views> buildAll(std::initializer_list<Cell> cells) const {
    Views views;
    for (Cell cell : cells) {
      if (isEmpty(cell, space)) continue;
      mergeResidues(cell);
      dropRedundant(cell, space);
      std::optional<Views> more = build(cell);
      if (!more) return std::nullopt;
      views.insert(views.end(), more->begin(), more->end());
    }
    return views;
  }

  std::optional<Sorted> sort(const Cell &cell) const {
    Sorted s;
    for (const Cond &c : cell) {
      if (c.kind == Cond::Relation) {
        std::optional<Relation> r = solve(c.relation, space);
        if (!r) return std::nullopt;
        s.relations.push_back(*r);
      } else if (c.kind == Cond::Residue && c.axis == Cond::Distance) {
        if (c.w != 1) return std::nullopt;
        Sorted::Lattice mine{c.m, c.start};
        s.lattice = s.lattice ? meet(*s.lattice, mine) : mine;
        if (!s.lattice) return std::nullopt;
      }
    }
    for (const Cond &c : cell) {
      if (c.kind == Cond::Relation || (c.kind == Cond::Residue && c.axis == Cond::Distance)) continue;
      if (s.band) return std::nullopt;
      if (c.kind == Cond::Summary) {
        s.band = KeyBand{c.l, c.c, summaryOffset(space.formula.h, c.l, c.c), std::nullopt};
      } else if (c.axis == Cond::Key) {
        s.band = constantBand(c.m, c.start, c.w);
      } else { // with a lattice, a query's residue says its keys' residue
        if (!s.lattice || s.lattice->m != c.m || s.lattice->e != 0) return std::nullopt;
        s.band = constantBand(c.m, c.start, c.w);
      }
    }
    return s;
  }

  KeyBand constantBand(int64_t l, int64_t offset, int64_t w) const {
    return {l, w, getAffineConstantExpr(offset, space.context), offset};
  }

  //===-- blocks
  //------------------------------------------------------------------------------------------------===//

  struct Block {
    int64_t l, shift; ///< (i - shift) floordiv l == j floordiv l, shift >= 0
  };

  /// Whether the cell says that the key's block is that of the query moved by a constant.
  std::optional<Block> findBlock(const Cell &cell) const {
    for (const Cond &c : cell) {
      if (c.kind != Cond::Relation || c.relation.terms.size() != 2) continue;
      auto [a, ca] = c.relation.terms[0];
      auto [b, cb] = c.relation.terms[1];
      if (ca + cb != 0 || std::abs(ca) != 1) continue;
      if (a.isFunctionOfDim(2)) std::swap(a, b), std::swap(ca, cb);
      auto divisor = [](AffineExpr e) -> int64_t {
        if (e.getKind() != AffineExprKind::FloorDiv) return 0;
        return cast<AffineConstantExpr>(cast<AffineBinaryOpExpr>(e).getRHS()).getValue();
      };
      int64_t l = divisor(a);
      if (l == 0 || divisor(b) != l) continue;
      Linear query = toLinear(cast<AffineBinaryOpExpr>(a).getLHS()),
             key = toLinear(cast<AffineBinaryOpExpr>(b).getLHS());
      if (query.terms.size() != 1 || query.terms[0] != std::make_pair(space.formula.i, int64_t(1))) continue;
      if (key.terms.size() != 1 || key.terms[0] != std::make_pair(space.formula.j, int64_t(1)) ||
          key.constant != 0)
        continue;
      // ca (A - B) + constant >= 0 bounds the difference A - B on one side. Is the bound its only value?
      Cell test(cell);
      test.push_back(makeRelation(c.relation));
      test.back().relation.constant -= 1;
      if (!isEmpty(test, space)) continue;
      int64_t difference = -ca * c.relation.constant, shift = difference * l - query.constant;
      if (shift >= 0) return Block{l, shift};
    }
    return std::nullopt;
  }

  //===-- bounds
  //------------------------------------------------------------------------------------------------===//

  /// Contiguous coordinates without the positions that plain bounds exclude.
  Coordinates trimmed(const Sorted &sorted) const {
    int64_t firstQuery = 0, lastQuery = space.n - 1, firstKey = 0, lastKey = space.n - 1;
    for (const Relation &r : sorted.relations) {
      if (r.kind == Relation::QueryMin) firstQuery = std::max(firstQuery, r.value);
      if (r.kind == Relation::QueryMax) lastQuery = std::min(lastQuery, r.value);
      if (r.kind == Relation::KeyMin) firstKey = std::max(firstKey, r.value);
      if (r.kind == Relation::KeyMax) lastKey = std::min(lastKey, r.value);
    }
    return contiguousCoordinates(space, firstQuery, lastQuery, firstKey, lastKey);
  }

  struct Bounds {
    SmallVector<AffineExpr> keyLo, keyHi, rowLo, rowHi;
  };

  /// The relations as bounds of slots by row and of rows by slot.
  Bounds boundsOf(const Coordinates &c, ArrayRef<Relation> relations) const {
    AffineExpr i = space.formula.i, j = space.formula.j;
    // A bound of one position alone allows every slot (row) or none: beyond +-n.
    auto gate = [&](AffineExpr holdsFromOne) { return holdsFromOne * space.n; };
    Bounds b;
    auto keysFrom = [&](AffineExpr key) { b.keyLo.append(c.slotsBelow(key, Extreme::Greatest)); };
    auto keysBelow = [&](AffineExpr key) { b.keyHi.append(c.slotsBelow(key, Extreme::Least)); };
    auto rowsFrom = [&](AffineExpr query) { b.rowLo.push_back(c.rowsBelow(query)); };
    auto rowsBelow = [&](AffineExpr query) { b.rowHi.push_back(c.rowsBelow(query)); };
    for (const Relation &r : relations) {
      AffineExpr value = getAffineConstantExpr(r.value, space.context);
      AffineExpr keyBound = r.key ? r.key.replace(i, c.query) : AffineExpr();
      AffineExpr queryBound = r.query ? r.query.replace(j, c.key) : AffineExpr();
      switch (r.kind) {
      case Relation::Upper: keysBelow(keyBound + 1), rowsFrom(queryBound); break;
      case Relation::Lower: keysFrom(keyBound), rowsBelow(queryBound + 1); break;
      case Relation::QueryMin: b.keyHi.push_back(gate(c.query - value + 1)), rowsFrom(value); break;
      case Relation::QueryMax: b.keyLo.push_back(gate(c.query - value)), rowsBelow(value + 1); break;
      case Relation::KeyMin: keysFrom(value), b.rowHi.push_back(gate(c.key - value + 1)); break;
      case Relation::KeyMax: keysBelow(value + 1), b.rowLo.push_back(gate(c.key - value)); break;
      }
    }
    return b;
  }

  /// The expressions as one map, without those that the extent implies and without repetitions.
  AffineMap lowerMap(ArrayRef<AffineExpr> exprs, const Ranges &ranges) const {
    SmallVector<AffineExpr> kept;
    for (AffineExpr e : exprs) {
      Linear x = toLinear(e, ranges);
      auto r = rangeOf(x, ranges);
      AffineExpr s = x.expr(space.context);
      if (!(r && r->second <= 0) && !llvm::is_contained(kept, s)) kept.push_back(s);
    }
    if (kept.empty()) kept.push_back(getAffineConstantExpr(0, space.context));
    return AffineMap::get(3, 0, kept, space.context);
  }
  AffineMap upperMap(ArrayRef<AffineExpr> exprs, AffineExpr extent, const Ranges &ranges) const {
    SmallVector<AffineExpr> kept;
    for (AffineExpr e : exprs) {
      Linear x = toLinear(e, ranges);
      auto r = rangeOf(toLinear(e - extent, ranges), ranges);
      AffineExpr s = x.expr(space.context);
      if (!(r && r->first >= 0) && !llvm::is_contained(kept, s)) kept.push_back(s);
    }
    if (kept.empty()) kept.push_back(extent);
    return AffineMap::get(3, 0, kept, space.context);
  }

  Views one(const Coordinates &c, const Sorted &sorted) const {
    Bounds b = boundsOf(c, sorted.relations);
    PieceView view;
    view.heads = heads;
    view.slices = AffineMap::get(1, 0, c.slices);
    view.rows = AffineMap::get(2, 0, c.rows);
    view.query = AffineMap::get(3, 0, c.query);
    view.keys = AffineMap::get(2, 0, c.keys);
    view.key = AffineMap::get(3, 0, c.key);
    view.keyLo = lowerMap(b.keyLo, c.rowRanges), view.keyHi = upperMap(b.keyHi, c.keys, c.rowRanges);
    view.rowLo = lowerMap(b.rowLo, c.keyRanges), view.rowHi = upperMap(b.rowHi, c.rows, c.keyRanges);
    return Views{std::move(view)};
  }

  const CellSpace &space;
  const std::vector<int64_t> &heads;
};

} // namespace

std::optional<std::vector<PieceView>> viewsOfCell(const Cell &cell, const CellSpace &space,
                                                  const std::vector<int64_t> &heads) {
  return CellViewBuilder(space, heads).build(cell);
}

} // namespace drawloom
