// Counting pairs. Named forms have closed forms; what has dense views is summed slice by slice; the rest is
// counted as a union of polygons (CountUnion.h).
#include "dialect/pattern/CountUnion.h"
#include "dialect/pattern/ViewQuery.h"
#include "dialect/pattern/Views.h"
#include "mlir/IR/MLIRContext.h"
#include <algorithm>
#include <map>

namespace drawloom {
namespace {

/// Offset of head h's summary in a block.
int64_t summaryStart(const SetNode &s, int64_t h) { return s.l - s.c * (floorMod(h, s.l / s.c) + 1); }

int64_t rowOfForm(const SetNode &s, int64_t h, int64_t i) {
  int64_t l = s.l, blocks = l ? i / l : 0;
  switch (s.form) {
  case FormKind::Local: return std::min(i + 1, l);
  case FormKind::Column: return blocks + 1;
  case FormKind::Block: return i % l + 1;
  case FormKind::Summary: return s.c * blocks + std::clamp<int64_t>(i % l - summaryStart(s, h) + 1, 0, s.c);
  case FormKind::Strided: return std::min(i + 1, l) + blocks; // column's distance 0 is local's
  case FormKind::Fixed: return i % l + 1 + s.c * blocks;
  case FormKind::Dense: return i + 1;
  }
  return 0;
}

int64_t triangle(int64_t m) { return m * (m + 1) / 2; }
/// Σ min(u, c) for u = 1 .. m.
int64_t ramp(int64_t m, int64_t c) {
  return m <= 0 ? 0 : triangle(std::min(m, c)) + std::max<int64_t>(0, m - c) * c;
}

int64_t pairsOfForm(const SetNode &s, int64_t h, int64_t n) {
  if (s.form == FormKind::Dense) return triangle(n);
  int64_t l = s.l, q = n / l, r = n % l;
  int64_t local = ramp(n, l), blocks = l * (q * (q - 1) / 2) + q * r; // Σ i // l
  int64_t own = q * triangle(l) + triangle(r);                        // Σ i mod l + 1
  switch (s.form) {
  case FormKind::Local: return local;
  case FormKind::Column: return blocks + n;
  case FormKind::Block: return own;
  case FormKind::Summary: {
    int64_t a = summaryStart(s, h);
    return s.c * blocks + q * ramp(l - a, s.c) + ramp(r - a, s.c);
  }
  case FormKind::Strided: return local + blocks;
  case FormKind::Fixed: return own + s.c * blocks;
  case FormKind::Dense: break;
  }
  return 0;
}

} // namespace

int64_t Pattern::countRow(int64_t h, int64_t i, int64_t n) const {
  if (i < 0 || i >= n) return 0;
  Pattern mine = forHead(h);
  if (mine.root().kind == SetKind::Form) return rowOfForm(mine.root(), h, i);
  int64_t count = 0;
  for (int64_t j = 0; j <= i; ++j) count += mine.contains(h, i, j, n);
  return count;
}

int64_t Pattern::countPairs(int64_t n, int64_t heads) const {
  int64_t count = 0;
  bool forms = true;
  for (int64_t h = 0; h < heads && forms; ++h) {
    Pattern mine = forHead(h);
    forms = mine.root().kind == SetKind::Form;
    if (forms) count += pairsOfForm(mine.root(), h, n);
  }
  if (forms) return count;
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  count = 0;
  for (const PieceView &view : makeViews(*this, n, heads, &context)) count += drawloom::countPairs(view);
  return count;
}

} // namespace drawloom
