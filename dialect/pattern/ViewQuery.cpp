#include "dialect/pattern/ViewQuery.h"
#include "dialect/pattern/CountUnion.h"
#include "dialect/pattern/Linear.h"
#include "dialect/pattern/Syntax.h"
#include <algorithm>

using namespace mlir;

namespace drawloom {

//===-- compiled maps ----------------------------------------------------------------------------===//

CompiledMap::CompiledMap(AffineMap map) {
  for (AffineExpr e : map.getResults()) {
    starts.push_back(steps.size());
    compile(e);
    steps.push_back({End, 0});
  }
  unsigned top = 0;
  for (const Step &s : steps) {
    if (s.code == Dim || s.code == Const) depth = std::max(depth, ++top);
    if (s.code == Add || s.code == End) --top;
  }
}

void CompiledMap::compile(AffineExpr e) {
  if (auto c = dyn_cast<AffineConstantExpr>(e)) return steps.push_back({Const, c.getValue()});
  if (auto d = dyn_cast<AffineDimExpr>(e)) return steps.push_back({Dim, int64_t(d.getPosition())});
  auto b = cast<AffineBinaryOpExpr>(e);
  compile(b.getLHS());
  if (e.getKind() == AffineExprKind::Add) {
    compile(b.getRHS());
    return steps.push_back({Add, 0});
  }
  int64_t k = cast<AffineConstantExpr>(b.getRHS()).getValue();
  switch (e.getKind()) {
  case AffineExprKind::Mul: return steps.push_back({Mul, k});
  case AffineExprKind::Mod: return steps.push_back({Mod, k});
  case AffineExprKind::FloorDiv: return steps.push_back({FloorDiv, k});
  default: // CeilDiv
    steps.push_back({Const, k - 1});
    steps.push_back({Add, 0});
    return steps.push_back({FloorDiv, k});
  }
}

int64_t CompiledMap::result(unsigned k, const int64_t *dims) const {
  int64_t small[32];
  std::vector<int64_t> large;
  int64_t *stack = small;
  if (depth > 32) large.resize(depth), stack = large.data();
  unsigned top = 0;
  for (const Step *s = &steps[starts[k]];; ++s) switch (s->code) {
    case Dim: stack[top++] = dims[s->value]; break;
    case Const: stack[top++] = s->value; break;
    case Add: --top, stack[top - 1] += stack[top]; break;
    case Mul: stack[top - 1] *= s->value; break;
    case FloorDiv: stack[top - 1] = floorDiv(stack[top - 1], s->value); break;
    case Mod: stack[top - 1] = floorMod(stack[top - 1], s->value); break;
    case End: return stack[0];
    }
}

int64_t CompiledMap::max(const int64_t *dims) const {
  int64_t best = result(0, dims);
  for (unsigned k = 1; k < results(); ++k) best = std::max(best, result(k, dims));
  return best;
}

int64_t CompiledMap::min(const int64_t *dims) const {
  int64_t best = result(0, dims);
  for (unsigned k = 1; k < results(); ++k) best = std::min(best, result(k, dims));
  return best;
}

CompiledSet::CompiledSet(const std::vector<IntegerSet> &list) {
  for (IntegerSet s : list)
    sets.push_back({CompiledMap(AffineMap::get(s.getNumDims(), 0, s.getConstraints(), s.getContext())),
                    std::vector<bool>(s.getEqFlags().begin(), s.getEqFlags().end())});
}

bool CompiledSet::contains(int64_t h, int64_t i, int64_t j) const {
  int64_t dims[] = {h, i, j};
  for (const Conjunction &c : sets) {
    bool holds = true;
    for (unsigned k = 0; holds && k < c.equality.size(); ++k) {
      int64_t v = c.constraints.result(k, dims);
      holds = c.equality[k] ? v == 0 : v >= 0;
    }
    if (holds) return true;
  }
  return false;
}

//===-- one view ---------------------------------------------------------------------------------===//

ViewEvaluator::ViewEvaluator(const PieceView &v)
    : slicesMap(v.slices), rowsMap(v.rows), queryMap(v.query), keysMap(v.keys), keyMap(v.key), keyLo(v.keyLo),
      keyHi(v.keyHi), rowLo(v.rowLo), rowHi(v.rowHi), formula(v.predicate), predicated(!v.predicate.empty()) {
}

int64_t ViewEvaluator::slices(int64_t h) const { return slicesMap.result(0, &h); }
int64_t ViewEvaluator::rows(int64_t h, int64_t s) const {
  int64_t d[] = {h, s};
  return rowsMap.result(0, d);
}
int64_t ViewEvaluator::keys(int64_t h, int64_t s) const {
  int64_t d[] = {h, s};
  return keysMap.result(0, d);
}
int64_t ViewEvaluator::query(int64_t h, int64_t s, int64_t r) const {
  int64_t d[] = {h, s, r};
  return queryMap.result(0, d);
}
int64_t ViewEvaluator::key(int64_t h, int64_t s, int64_t t) const {
  int64_t d[] = {h, s, t};
  return keyMap.result(0, d);
}
Interval ViewEvaluator::rawKeySlots(int64_t h, int64_t s, int64_t r) const {
  int64_t d[] = {h, s, r};
  return {keyLo.max(d), keyHi.min(d)};
}
Interval ViewEvaluator::rawQueryRows(int64_t h, int64_t s, int64_t t) const {
  int64_t d[] = {h, s, t};
  return {rowLo.max(d), rowHi.min(d)};
}
Interval ViewEvaluator::keySlots(int64_t h, int64_t s, int64_t r) const {
  Interval x = rawKeySlots(h, s, r);
  return {std::max<int64_t>(x.lo, 0), std::min(x.hi, keys(h, s))};
}
Interval ViewEvaluator::queryRows(int64_t h, int64_t s, int64_t t) const {
  Interval x = rawQueryRows(h, s, t);
  return {std::max<int64_t>(x.lo, 0), std::min(x.hi, rows(h, s))};
}

//===-- questions --------------------------------------------------------------------------------===//

QueryInverse inverseQuery(const PieceView &view) {
  MLIRContext *context = view.query.getContext();
  Linear q = toLinear(view.query.getResult(0));
  int64_t perSlice = 0, perRow = 0;
  Linear base; // what is left, a function of h
  base.constant = q.constant;
  for (auto [atom, c] : q.terms) {
    auto d = dyn_cast<AffineDimExpr>(atom);
    if (d && d.getPosition() == 1)
      perSlice = c;
    else if (d && d.getPosition() == 2)
      perRow = c;
    else
      base.add(atom, c);
  }
  AffineExpr x = getAffineDimExpr(1, context) - base.expr(context), zero = getAffineConstantExpr(0, context);
  auto maps = [&](AffineExpr s, AffineExpr r) {
    return QueryInverse{AffineMap::get(2, 0, s), AffineMap::get(2, 0, r)};
  };
  if (perSlice == 0) return maps(zero, x);
  if (perRow == 1) return maps(x.floorDiv(perSlice), x % perSlice);
  return maps(x % perRow, x.floorDiv(perRow)); // perSlice == 1
}

static bool usesHead(const PieceView &v) {
  for (AffineMap m : {v.slices, v.rows, v.query, v.keys, v.key, v.keyLo, v.keyHi, v.rowLo, v.rowHi})
    if (m.isFunctionOfDim(0)) return true;
  return llvm::any_of(v.predicate, [](IntegerSet s) {
    return llvm::any_of(s.getConstraints(), [](AffineExpr e) { return e.isFunctionOfDim(0); });
  });
}

int64_t countPairs(const PieceView &view) {
  ViewEvaluator v(view);
  AffineMap position = AffineMap::get(3, 0, getAffineDimExpr(2, view.query.getContext()));
  bool positions = view.query == position && view.key == position;
  IntervalCounter intervals(view.keyLo, view.keyHi);
  auto countHead = [&](int64_t h) {
    if (v.hasPredicate() && positions)
      return countUnion(view.predicate, v.rows(h, 0), h); // the bounds enclose the sets
    int64_t sum = 0;
    for (int64_t s = 0, slices = v.slices(h); s < slices; ++s) {
      if (!v.hasPredicate()) {
        sum += intervals.count(h, s, v.rows(h, s), v.keys(h, s));
        continue;
      }
      for (int64_t r = 0, rows = v.rows(h, s); r < rows; ++r) {
        Interval x = v.keySlots(h, s, r);
        for (int64_t t = x.lo; t < x.hi; ++t) sum += v.predicate(h, v.query(h, s, r), v.key(h, s, t));
      }
    }
    return sum;
  };
  if (!usesHead(view)) return countHead(view.heads.front()) * int64_t(view.heads.size());
  int64_t sum = 0;
  for (int64_t h : view.heads) sum += countHead(h);
  return sum;
}

bool coversAllRows(const PieceView &view, int64_t n, int64_t heads) {
  if (int64_t(view.heads.size()) != heads) return false;
  ViewEvaluator v(view);
  // Rows are distinct positions below n, so counting them is enough.
  for (int64_t h : view.heads) {
    int64_t rows = 0;
    for (int64_t s = 0, slices = v.slices(h); s < slices; ++s) rows += v.rows(h, s);
    if (rows != n) return false;
  }
  return true;
}

} // namespace drawloom
