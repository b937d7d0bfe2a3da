#include "passes/attention/gpu/RelayPlan.h"
#include "dialect/pattern/ViewQuery.h"
#include "llvm/Support/MathExtras.h"

namespace drawloom::attention {
namespace {

constexpr int64_t kPairRows = 128;

/// Tiles of `other` rows that the hull of some rows' bounds touches.
Interval tilesOf(Interval first, Interval last, int64_t extent, int64_t other) {
  int64_t from = std::max<int64_t>(first.lo, 0), to = std::min(last.hi, extent);
  return from < to ? Interval{from / other, int64_t(llvm::divideCeil(to, other))} : Interval{0, 0};
}

/// Of a slice: whether "pair i meets tiles [lo, hi)" and "tile j meets pairs [lo, hi)" are one relation. It
/// is if every (i, j) of the first is in the second, and the second has no more. Bounds grow with j (View.h),
/// so that an interval's ends decide unless there are empty ones between them.
bool agree(const std::vector<Interval> &pairs, const std::vector<Interval> &tiles) {
  int64_t count = 0;
  bool begun = false, ended = false;
  for (const Interval &tile : tiles) {
    count += tile.size();
    ended |= begun && tile.empty();
    begun |= !tile.empty();
    if (ended && !tile.empty()) return false;
  }
  for (size_t i = 0; i < pairs.size(); ++i) {
    const Interval &pair = pairs[i];
    count -= pair.size();
    if (pair.empty()) continue;
    for (int64_t j : {pair.lo, pair.hi - 1})
      if (tiles[size_t(j)].empty() || int64_t(i) < tiles[size_t(j)].lo || int64_t(i) >= tiles[size_t(j)].hi)
        return false;
  }
  return count == 0;
}

bool usesHead(std::initializer_list<mlir::AffineMap> maps) {
  return llvm::any_of(maps, [](mlir::AffineMap map) { return map.isFunctionOfDim(0); });
}

/// Of a head's only slice.
bool slotsAscend(const ViewEvaluator &at, int64_t head) {
  int64_t keys = at.keys(head, 0);
  for (int64_t t = 1; t < keys; ++t)
    if (at.key(head, 0, t - 1) >= at.key(head, 0, t)) return false;
  return keys > 0;
}

} // namespace

std::optional<OwnerCut> chooseRelayCut(const Shape &shape, int64_t shared) {
  constexpr Owner owner = Owner::KeysAndRelay;
  for (int64_t stages : {4, 3, 2}) {
    OwnerCut cut{/*groups=*/2, /*columns=*/64, stages, /*blocks=*/1};
    int64_t place = cut.ownRows() * cut.columns * 2;
    // A share of dQ takes the place of a tile of dS^T.
    if (cut.columns * shape.dQk * 4 > place) continue;
    int64_t bytes = sharedBytes(shape, owner, cut) + kRelayTiles * place;
    if (registersOf(shape, owner, cut) <= cut.consumerRegisters(false) && bytes <= shared) return cut;
  }
  return std::nullopt;
}

std::optional<RelayFacts> relayFacts(const PieceView &view, int64_t ownRows) {
  ViewEvaluator at(view);
  RelayFacts facts{0, true, true};
  bool headsDiffer =
      usesHead({view.slices, view.rows, view.keys, view.keyLo, view.keyHi, view.rowLo, view.rowHi});
  for (int64_t head : view.heads) {
    for (int64_t slice = 0; slice < at.slices(head); ++slice) {
      int64_t rows = at.rows(head, slice), keys = at.keys(head, slice);
      std::vector<Interval> pairs, tiles;
      for (int64_t first = 0; first < rows; first += kPairRows) {
        int64_t last = std::min(first + kPairRows, rows) - 1;
        pairs.push_back(
            tilesOf(at.rawKeySlots(head, slice, first), at.rawKeySlots(head, slice, last), keys, ownRows));
        facts.meetsQueries &= !pairs.back().empty();
      }
      for (int64_t first = 0; first < keys; first += ownRows) {
        int64_t last = std::min(first + ownRows, keys) - 1;
        tiles.push_back(tilesOf(at.rawQueryRows(head, slice, first), at.rawQueryRows(head, slice, last), rows,
                                kPairRows));
      }
      facts.hasOwners &= !tiles.empty() || pairs.empty();
      if (!agree(pairs, tiles)) return std::nullopt;
      facts.pairs = std::max(facts.pairs, int64_t(pairs.size()));
    }
    if (!headsDiffer) break;
  }
  return facts;
}

bool keysAscend(const PieceView &view) {
  ViewEvaluator at(view);
  bool headsDiffer = usesHead({view.slices, view.keys, view.key});
  for (int64_t head : view.heads) {
    if (at.slices(head) != 1 || !slotsAscend(at, head)) return false;
    if (!headsDiffer) break;
  }
  return true;
}

} // namespace drawloom::attention
