#include "dialect/pattern/Views.h"
#include "dialect/pattern/CellView.h"
#include "dialect/pattern/Cells.h"
#include <algorithm>
#include <map>

using namespace mlir;

namespace drawloom {
namespace {

constexpr size_t kMaxPieces = 16;
using Views = std::vector<PieceView>;
using Heads = std::vector<int64_t>;

/// What subtracting is easy from comes first: relations, then key bands, then lattices (or lattices before
/// bands).
std::vector<size_t> subtractionOrder(const std::vector<Cell> &cells, bool bandsFirst) {
  auto rank = [&](const Cell &cell) {
    int r = 0;
    for (const Cond &c : cell) {
      bool lattice = c.kind == Cond::Residue && c.axis == Cond::Distance;
      if (c.kind != Cond::Relation) r = std::max(r, lattice == bandsFirst ? 2 : 1);
    }
    return r;
  };
  std::vector<size_t> order(cells.size());
  for (size_t k = 0; k < order.size(); ++k) order[k] = k;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::make_pair(rank(cells[a]), a) < std::make_pair(rank(cells[b]), b);
  });
  return order;
}

/// Dense views of the union of the conjunctions, in the order of subtraction that makes fewest; nothing if
/// there are none.
std::optional<Views> denseViews(const std::vector<Conjunction> &conjunctions, const CellSpace &space,
                                const Heads &heads) {
  std::optional<std::vector<Cell>> cells = recognizeCells(conjunctions, space);
  if (!cells) return std::nullopt;
  std::optional<Views> best;
  std::vector<std::vector<size_t>> tried;
  for (bool bandsFirst : {true, false}) {
    std::vector<size_t> order = subtractionOrder(*cells, bandsFirst);
    if (std::find(tried.begin(), tried.end(), order) != tried.end()) continue;
    tried.push_back(order);
    std::optional<std::vector<Cell>> disjoint = disjointCells(*cells, order, space);
    if (!disjoint) continue;
    Views views;
    bool ok = std::all_of(disjoint->begin(), disjoint->end(), [&](const Cell &cell) {
      std::optional<Views> mine = viewsOfCell(cell, space, heads);
      if (mine) views.insert(views.end(), mine->begin(), mine->end());
      return mine.has_value();
    });
    if (ok && views.size() <= kMaxPieces && (!best || views.size() < best->size())) best = std::move(views);
  }
  return best;
}

/// The greatest distance i - j that the conjunctions allow, as far as their plain distance conditions say.
int64_t greatestDistance(const std::vector<Conjunction> &conjunctions, const CellSpace &space) {
  int64_t greatest = 0;
  for (const Conjunction &conjunction : conjunctions) {
    int64_t mine = space.n - 1;
    for (const Condition &condition : conjunction) {
      if (!condition.expr) continue;
      Linear e = toLinear(condition.expr, space.ranges), distance;
      distance.add(space.formula.i, -1), distance.add(space.formula.j, 1);
      if (e.terms == distance.terms) mine = std::min(mine, e.constant);
    }
    greatest = std::max(greatest, mine);
  }
  return greatest;
}

/// One contiguous piece with the formula as predicate.
Views predicateView(const SetNode &set, int64_t n, const Heads &heads, MLIRContext *context) {
  CellSpace space(context, n, heads.front(), heads.back());
  space.formula.h = getAffineDimExpr(0, context);
  std::vector<Conjunction> conjunctions = toDisjunction(set, space.formula);
  llvm::erase_if(conjunctions, [&](const Conjunction &c) { return isEmpty(c, space); });
  if (conjunctions.empty()) return {};
  int64_t distance = greatestDistance(conjunctions, space);
  AffineExpr x = getAffineDimExpr(2, context);
  auto map = [&](unsigned dims, AffineExpr e) { return AffineMap::get(dims, 0, e); };
  auto constant = [&](int64_t v) { return getAffineConstantExpr(v, context); };
  PieceView view;
  view.heads = heads;
  view.slices = map(1, constant(1)), view.rows = view.keys = map(2, constant(n));
  view.query = view.key = map(3, x);
  bool bounded = distance < n - 1;
  view.keyLo = map(3, bounded ? x - distance : constant(0)), view.keyHi = map(3, x + 1);
  view.rowLo = map(3, x), view.rowHi = map(3, bounded ? x + distance + 1 : constant(n));
  for (const Conjunction &c : conjunctions)
    view.predicate.push_back(toIntegerSet(c, 3, 0, space.formula, {}));
  return {std::move(view)};
}

using Formula = std::vector<Conjunction>;
bool sameFormula(const Formula &a, const Formula &b) {
  auto sameCondition = [](const Condition &x, const Condition &y) {
    return x.expr == y.expr && x.equality == y.equality && x.l == y.l && x.c == y.c;
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](const Conjunction &x, const Conjunction &y) {
    return std::equal(x.begin(), x.end(), y.begin(), y.end(), sameCondition);
  });
}

/// Views when h is a constant in the formula, once for all heads with the same formula.
Views viewsByHead(const SetNode &set, int64_t n, const Heads &heads, MLIRContext *context) {
  std::vector<std::pair<Formula, Heads>> groups;
  for (int64_t h : heads) {
    Formula formula = toDisjunction(set, CellSpace(context, n, h, h).formula);
    auto it = std::find_if(groups.begin(), groups.end(),
                           [&](const auto &g) { return sameFormula(g.first, formula); });
    if (it == groups.end()) it = groups.insert(groups.end(), {std::move(formula), {}});
    it->second.push_back(h);
  }
  Views views;
  Heads rest;
  for (auto &[formula, members] : groups) {
    std::optional<Views> mine =
        denseViews(formula, CellSpace(context, n, members.front(), members.front()), members);
    if (mine)
      views.insert(views.end(), mine->begin(), mine->end());
    else
      rest.insert(rest.end(), members.begin(), members.end());
  }
  if (!rest.empty()) {
    std::sort(rest.begin(), rest.end());
    Views more = predicateView(set, n, rest, context);
    views.insert(views.end(), more.begin(), more.end());
  }
  return views;
}

} // namespace

std::vector<PieceView> makeViews(const Pattern &pattern, int64_t n, int64_t heads, MLIRContext *context) {
  if (n < 1) return {};
  // Heads with the same member of every heads(...) share their views.
  std::map<std::string, std::pair<Pattern, Heads>> groups;
  std::vector<std::string> order;
  for (int64_t h = 0; h < heads; ++h) {
    Pattern mine = pattern.forHead(h);
    std::string key = mine.spelling();
    auto [it, fresh] = groups.try_emplace(key, mine, Heads{});
    if (fresh) order.push_back(key);
    it->second.second.push_back(h);
  }
  Views views;
  for (const std::string &key : order) {
    const auto &[mine, members] = groups.at(key);
    std::optional<Views> dense;
    if (!usesVariable(mine.root(), ExprKind::Head)) {
      // With one head, its summaries have constant places; with more they are written with h and shared.
      CellSpace space(context, n, members.front(), members.back());
      dense = denseViews(toDisjunction(mine.root(), space.formula), space, members);
    }
    Views more = dense ? *dense : viewsByHead(mine.root(), n, members, context);
    views.insert(views.end(), more.begin(), more.end());
  }
  return views;
}

} // namespace drawloom
