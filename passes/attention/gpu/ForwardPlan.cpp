#include "passes/attention/gpu/ForwardPlan.h"
#include "dialect/pattern/ViewQuery.h"
#include "passes/gpu/GpuBuilder.h"
#include "passes/tiles/SharedMemory.h"
#include <algorithm>
#include <set>

namespace drawloom::attention {
namespace {

constexpr int64_t kLaneRegisters = 512;
constexpr int64_t kBlockReserve = 1024; ///< of shared memory, taken by the hardware for each block
constexpr int64_t kBarrierBytes = 1024; ///< mbarriers and alignment
constexpr int64_t kMultiprocessors =
    132;                          ///< of an H100 or H200: decides how many items a block takes, nothing else
constexpr int64_t kOverhead = 32; ///< registers for addresses, bounds, loop counters
constexpr int64_t kWindowOverhead = 8; ///< more of them for two-sided bounds
constexpr int64_t kLongItem = 16;      ///< key tiles
constexpr int64_t kInstructionOverhead = 32;
constexpr int64_t kProducerRegisters = 24;
constexpr int64_t kShortSlice = 128, kWindow = 512; ///< keys

int64_t sharedLimit(const ForwardWork &w) { return tiles::sharedMemoryOf(w.isHopper ? "sm_90a" : "sm_80"); }

int64_t roundUp(int64_t x, int64_t unit) { return (x + unit - 1) / unit * unit; }

/// Registers of a consumer's thread: accumulators of 64 rows hold half as many as they have columns.
int64_t registers(const ForwardWork &w, const ForwardCut &cut) {
  int64_t packed = cut.columns / 4, scores = cut.columns / 2;
  bool overlaps =
      w.keys > cut.columns; // the next scores are computed while the last probabilities are in use
  int64_t count = kOverhead + w.dV / 2 + (overlaps ? scores + packed : std::max(scores - w.dV / 2, packed));
  // Products by single warps take both operands from registers.
  return count + (cut.queriesInRegisters || !w.isHopper ? w.dQk / 4 : 0);
}

/// Registers of a thread when `warps` share a multiprocessor: each of its four parts has 512 for a lane,
/// given out in units of 8.
int64_t evenShare(int64_t warps) {
  return std::min<int64_t>(kLaneRegisters / (roundUp(warps, 4) / 4) / 8 * 8, 248);
}

/// What a consumer's thread gets when the producing warp group keeps few: a block shares out what it was
/// launched with.
int64_t consumerShare(int64_t blocks, int64_t groups) {
  int64_t launched = evenShare(blocks * (groups + 1) * 4) * (groups + 1);
  return std::min<int64_t>((launched - kProducerRegisters) / groups / 8 * 8, 240);
}

/// Fills in `consumerRegisters`; false if the cut does not fit a multiprocessor.
bool fits(const ForwardWork &w, ForwardCut &cut, int64_t moreRegisters = 0) {
  // One group has enough without sharing out anew.
  bool sharesAnew = w.isHopper && cut.groups > 1;
  cut.consumerRegisters = sharesAnew ? consumerShare(cut.blocks, cut.groups) : 0;
  int64_t warps = cut.groups * 4 + (w.isBulk ? cut.producers() / 32 : 4);
  if (cut.blocks * (sharedBytes(w, cut) + kBlockReserve) > sharedLimit(w) + kBlockReserve ||
      cut.blocks * warps > 64)
    return false;
  int64_t need = registers(w, cut) + moreRegisters, share = evenShare(cut.blocks * warps);
  if (!sharesAnew) return need <= share;
  // ptxas wants room for the widest product before the registers are shared out.
  return need <= cut.consumerRegisters && std::max(cut.columns, w.dV) / 2 + kInstructionOverhead <= share;
}

/// Key tiles that `rows` rows of a slice from `first` on meet; [lo, lo) if they meet none.
Interval tilesMet(const ViewEvaluator &at, int64_t h, int64_t s, int64_t first, int64_t rows,
                  const ForwardCut &cut) {
  int64_t last = std::min(first + rows, at.rows(h, s)) - 1;
  int64_t lo = at.keySlots(h, s, first).lo, hi = at.keySlots(h, s, last).hi;
  if (lo >= hi) return {0, 0};
  return {lo / cut.columns, (hi + cut.columns - 1) / cut.columns};
}

/// How much the query tiles of a slice have to do, in key tiles.
struct Lengths {
  int64_t tiles, most, sum;
  bool areEven() const { return most * tiles <= sum * 5 / 4 + tiles; }
  bool areLong() const { return sum > kLongItem * tiles; }
};

Lengths lengthsOf(const PieceView &view, const ForwardCut &cut) {
  ViewEvaluator at(view);
  int64_t h = view.heads.front();
  Lengths lengths{roundUp(at.rows(h, 0), cut.rows()) / cut.rows(), 0, 0};
  for (int64_t t = 0; t < lengths.tiles; ++t) {
    int64_t met = tilesMet(at, h, 0, t * cut.rows(), cut.rows(), cut).size();
    lengths.most = std::max(lengths.most, met), lengths.sum += met;
  }
  return lengths;
}

using Cuts = SmallVector<ForwardCut>;

/// One slice in use and one under way come first: with more of them memory is read in a less favourable
/// order.
Cuts shortCuts(const ForwardWork &w) {
  int64_t groups = w.rows > 64 ? 2 : 1, columns = roundUp(w.keys, 16);
  Cuts cuts;
  for (int64_t stages : {2, 3})
    for (int64_t blocks : {4, 3, 2, 1}) {
      ForwardCut cut{groups, columns, stages, stages, false, blocks, 0};
      if (fits(w, cut)) cuts.push_back(cut);
    }
  return cuts;
}

/// Narrow tiles waste less at both ends of a window, many queries read fewer keys twice. Items are short, so
/// loads run ahead of them. Of cuts that differ in stages alone, the one with most.
Cuts windowCuts(const ForwardWork &w) {
  Cuts cuts;
  for (int64_t groups : {4, 3, 2, 1}) {
    if (groups > 1 && roundUp(w.rows, groups * 64) > w.rows * 9 / 8) continue;
    for (bool queriesInRegisters : {true, false})
      for (int64_t stages : {6, 4, 3}) {
        ForwardCut cut{groups, 64, 2, stages, queriesInRegisters, 1, 0};
        if (!fits(w, cut, kWindowOverhead)) continue;
        cuts.push_back(cut);
        break;
      }
  }
  return cuts;
}

Cuts longCuts(const ForwardWork &w) {
  int64_t most = w.rows > 128 ? 3 : w.rows > 64 ? 2 : 1;
  Cuts cuts;
  for (int64_t columns : {128, 96, 80, 64, 48, 32, 16})
    for (int64_t groups = most; groups >= 1; --groups)
      for (auto [queryStages, stages] : {std::pair<int64_t, int64_t>{2, 3}, {2, 2}, {1, 2}, {1, 1}}) {
        ForwardCut cut{groups, columns, queryStages, stages, false, 1, 0};
        cut.expectsNoGreater = w.isHopper; // measured there only
        if (!fits(w, cut)) continue;
        cuts.push_back(cut);
        break;
      }
  return cuts;
}

/// Whether the rows of nearly all groups have keys in their group's first key tile. A row without has no
/// greatest score to count the next tile from, which is then done twice.
bool rowsStartTogether(const PieceView &view, const ForwardCut &cut) {
  constexpr int64_t kFew = 8; // a group of so many may be another way
  ViewEvaluator at(view);
  int64_t h = view.heads.front(), rows = at.rows(h, 0), late = 0;
  for (int64_t first = 0; first < rows; first += kGroupRows) {
    int64_t last = std::min(first + kGroupRows, rows) - 1;
    late += at.keySlots(h, 0, first).lo / cut.columns != at.keySlots(h, 0, last).lo / cut.columns;
  }
  return late * kGroupRows * kFew <= rows;
}

/// In which order blocks go through query tiles, and how many each.
void arrange(const PieceView &view, const ForwardWork &w, ForwardCut &cut) {
  cut.expectsNoGreater = cut.expectsNoGreater && rowsStartTogether(view, cut);
  Lengths lengths = lengthsOf(view, cut);
  // The few tiles of a short slice stand next to each other.
  bool standTogether = w.hasManySlices && lengths.tiles <= 4;
  cut.longestFirst = !lengths.areEven() && !standTogether;
  shareOut(w, cut);
  // Tiles of a slice differ: blocks with equally many items have as much to do, and none ends alone.
  if (standTogether && lengths.tiles > 1) {
    int64_t tiles = w.slices * lengths.tiles;
    cut.launched = (tiles + cut.items - 1) / cut.items;
  }
  // Long items gain little from loads that run ahead, and more from blocks that start when others end.
  if (cut.longestFirst && lengths.areLong()) cut.launched *= cut.items, cut.items = 1;
}

} // namespace

void shareOut(const ForwardWork &w, ForwardCut &cut) {
  int64_t tiles = w.slices * ((w.rows + cut.rows() - 1) / cut.rows()), places = kMultiprocessors * cut.blocks;
  cut.launched = std::min(tiles, places);
  cut.items = (tiles + cut.launched - 1) / cut.launched;
}

int64_t sharedBytes(const ForwardWork &w, const ForwardCut &cut) {
  bool hasOutTile = w.continues || w.dV != w.dQk;
  int64_t queryTile = cut.rows() * (w.dQk + (hasOutTile ? w.dV : 0)) * 2,
          keyTile = cut.columns * (w.dQk + w.dV) * 2;
  return cut.queryStages * queryTile + cut.keyStages * keyTile + kBarrierBytes;
}

/// The most keys that a row meets, of some rows.
static int64_t longestRow(const PieceView &view) {
  ViewEvaluator at(view);
  int64_t h = view.heads.front(), rows = at.rows(h, 0), most = 0;
  for (int64_t r = 0; r < rows; r += std::max<int64_t>(1, rows / 64))
    most = std::max(most, at.keySlots(h, 0, r).size());
  return rows ? std::max(most, at.keySlots(h, 0, rows - 1).size()) : 0;
}

Cuts forwardCuts(const PieceView &view, const ForwardWork &w, size_t most) {
  bool isShort = w.rows <= kShortSlice && w.keys <= kShortSlice;
  bool isWindow = !isShort && longestRow(view) <= kWindow;
  Cuts cuts = isShort ? shortCuts(w) : isWindow ? windowCuts(w) : longCuts(w);
  if (!isShort) llvm::append_range(cuts, isWindow ? longCuts(w) : windowCuts(w));
  if (cuts.empty()) cuts.push_back({1, 16, 1, 1, false, 1, 0});
  cuts.truncate(std::min(cuts.size(), most));
  for (ForwardCut &cut : cuts) arrange(view, w, cut);
  // Those of windows and of long rows may be the same.
  std::set<std::string> texts;
  if (cuts.size() > 1)
    llvm::erase_if(cuts, [&](const ForwardCut &cut) { return !texts.insert(describeCut(cut)).second; });
  return cuts;
}

std::string describeCut(const ForwardCut &c) {
  std::string text;
  llvm::raw_string_ostream(text) << "groups=" << c.groups << " keys=" << c.columns
                                 << " query-stages=" << c.queryStages << " key-stages=" << c.keyStages
                                 << " queries-in-registers=" << c.queriesInRegisters << " blocks=" << c.blocks
                                 << " registers=" << c.consumerRegisters << " items=" << c.items
                                 << " launched=" << c.launched << " longest-first=" << c.longestFirst
                                 << " expects-no-greater=" << c.expectsNoGreater;
  return text;
}

bool startsWithOneTile(const PieceView &first, const PieceView &second, const ForwardCut &cut) {
  ViewEvaluator at(first), next(second);
  bool usesHead = false;
  for (const PieceView *view : {&first, &second})
    for (mlir::AffineMap map : {view->rows, view->keys, view->keyLo, view->keyHi})
      usesHead |= map.isFunctionOfDim(0);
  for (int64_t h : first.heads) {
    for (int64_t tile = 0, rows = at.rows(h, 0); tile < rows; tile += cut.rows()) {
      Interval all = tilesMet(at, h, 0, tile, cut.rows(), cut),
               allNext = tilesMet(next, h, 0, tile, cut.rows(), cut);
      for (int64_t row = tile; row < std::min(rows, tile + cut.rows()); row += kGroupRows) {
        Interval own = tilesMet(at, h, 0, row, kGroupRows, cut),
                 ownNext = tilesMet(next, h, 0, row, kGroupRows, cut);
        int64_t skipped = all.hi - own.hi + (ownNext.empty() ? 0 : ownNext.lo - allNext.lo);
        if (own.size() != 1 || skipped >= cut.keyStages) return false;
      }
    }
    if (!usesHead) break;
  }
  return true;
}

} // namespace drawloom::attention
