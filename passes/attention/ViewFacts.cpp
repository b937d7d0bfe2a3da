#include "passes/attention/ViewFacts.h"
#include "dialect/pattern/ViewQuery.h"

namespace drawloom::attention {
namespace {

bool usesHead(const PieceView &view) {
  auto uses = [](mlir::AffineMap map) { return map.isFunctionOfDim(0); };
  return uses(view.slices) || uses(view.rows) || uses(view.keys) || uses(view.key);
}

} // namespace

ViewFacts factsOf(const PieceView &view, int64_t n, int64_t heads) {
  ViewFacts facts{countPairs(view), 0, 0, 0, coversAllRows(view, n, heads), int64_t(view.heads.size()) == heads, true};
  ViewEvaluator at(view);
  bool headMatters = usesHead(view);
  for (int64_t h : view.heads) {
    int64_t slices = at.slices(h), slots = 0;
    facts.slices = std::max(facts.slices, slices);
    std::vector<bool> seen(slices > 1 ? n : 0);
    for (int64_t s = 0; s < slices; ++s) {
      int64_t keys = at.keys(h, s);
      facts.rows = std::max(facts.rows, at.rows(h, s));
      facts.keys = std::max(facts.keys, keys);
      slots += keys;
      if (seen.empty() || !facts.keysAreDisjoint)
        continue;
      for (int64_t t = 0; t < keys; ++t) {
        auto key = seen[at.key(h, s, t)];
        facts.keysAreDisjoint &= !key;
        key = true;
      }
    }
    facts.coversKeys &= slots == n;
    if (!headMatters)
      break;
  }
  facts.coversKeys &= facts.keysAreDisjoint; // else slots == n says nothing
  return facts;
}

} // namespace drawloom::attention
