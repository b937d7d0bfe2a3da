#include "dialect/pattern/Syntax.h"
#include <algorithm>

namespace drawloom {

//===-- construction -----------------------------------------------------------------------------===//

static ExprRef node(ExprKind kind, int64_t value, ExprRef lhs = nullptr, ExprRef rhs = nullptr) {
  return std::make_shared<ExprNode>(ExprNode{kind, value, std::move(lhs), std::move(rhs)});
}

static bool isConstant(const ExprRef &e) { return e->kind == ExprKind::Constant; }

ExprRef makeConstant(int64_t value) { return node(ExprKind::Constant, value); }
ExprRef makeVariable(ExprKind kind) { return node(kind, 0); }

ExprRef makeAdd(ExprRef a, ExprRef b) {
  if (isConstant(a) && isConstant(b)) return makeConstant(a->value + b->value);
  if (isConstant(b) && b->value < 0) return makeSub(a, makeConstant(-b->value));
  return node(ExprKind::Add, 0, a, b);
}

ExprRef makeSub(ExprRef a, ExprRef b) {
  if (isConstant(a) && isConstant(b)) return makeConstant(a->value - b->value);
  if (isConstant(b) && b->value < 0) return makeAdd(a, makeConstant(-b->value));
  return node(ExprKind::Sub, 0, a, b);
}

ExprRef makeMul(int64_t factor, ExprRef a) {
  if (isConstant(a)) return makeConstant(factor * a->value);
  if (a->kind == ExprKind::Mul) return makeMul(factor * a->value, a->lhs);
  if (factor == 0) return makeConstant(0);
  if (factor == 1) return a;
  return node(ExprKind::Mul, factor, a);
}

ExprRef makeFloorDiv(ExprRef a, int64_t divisor) {
  if (isConstant(a)) return makeConstant(floorDiv(a->value, divisor));
  if (divisor == 1) return a;
  return node(ExprKind::FloorDiv, divisor, a);
}

ExprRef makeMod(ExprRef a, int64_t divisor) {
  if (isConstant(a)) return makeConstant(floorMod(a->value, divisor));
  if (divisor == 1) return makeConstant(0);
  return node(ExprKind::Mod, divisor, a);
}

SetRef makeForm(FormKind form, int64_t l, int64_t c) {
  SetNode s{SetKind::Form};
  s.form = form, s.l = l, s.c = c;
  return std::make_shared<SetNode>(std::move(s));
}

SetRef makeComparison(Compare compare, ExprRef lhs, ExprRef rhs) {
  SetNode s{SetKind::Comparison};
  s.compare = compare, s.lhs = std::move(lhs), s.rhs = std::move(rhs);
  return std::make_shared<SetNode>(std::move(s));
}

static SetRef makeNary(SetKind kind, std::vector<SetRef> children) {
  SetNode s{kind};
  for (SetRef &c : children) {
    if (c->kind == kind)
      s.children.insert(s.children.end(), c->children.begin(), c->children.end());
    else
      s.children.push_back(std::move(c));
  }
  if (s.children.size() == 1) return s.children.front();
  return std::make_shared<SetNode>(std::move(s));
}

SetRef makeAnd(std::vector<SetRef> children) { return makeNary(SetKind::And, std::move(children)); }
SetRef makeOr(std::vector<SetRef> children) { return makeNary(SetKind::Or, std::move(children)); }

static Compare opposite(Compare c) {
  switch (c) {
  case Compare::LT: return Compare::GE;
  case Compare::LE: return Compare::GT;
  case Compare::GT: return Compare::LE;
  case Compare::GE: return Compare::LT;
  case Compare::EQ: return Compare::NE;
  case Compare::NE: return Compare::EQ;
  }
  return c;
}

SetRef makeNot(SetRef child) {
  if (child->kind == SetKind::Not) return child->children.front();
  if (child->kind == SetKind::Comparison)
    return makeComparison(opposite(child->compare), child->lhs, child->rhs);
  SetNode s{SetKind::Not};
  s.children.push_back(std::move(child));
  return std::make_shared<SetNode>(std::move(s));
}

SetRef makeHeads(std::vector<SetRef> children) {
  if (children.size() == 1) return children.front();
  SetNode s{SetKind::Heads};
  s.children = std::move(children);
  return std::make_shared<SetNode>(std::move(s));
}

//===-- evaluation -------------------------------------------------------------------------------===//

int64_t evaluate(const ExprNode &e, const Point &p) {
  switch (e.kind) {
  case ExprKind::Constant: return e.value;
  case ExprKind::Head: return p.h;
  case ExprKind::Query: return p.i;
  case ExprKind::Key: return p.j;
  case ExprKind::Length: return p.n;
  case ExprKind::Add: return evaluate(*e.lhs, p) + evaluate(*e.rhs, p);
  case ExprKind::Sub: return evaluate(*e.lhs, p) - evaluate(*e.rhs, p);
  case ExprKind::Mul: return e.value * evaluate(*e.lhs, p);
  case ExprKind::FloorDiv: return floorDiv(evaluate(*e.lhs, p), e.value);
  case ExprKind::Mod: return floorMod(evaluate(*e.lhs, p), e.value);
  }
  return 0;
}

static bool inSummary(int64_t l, int64_t c, const Point &p) {
  int64_t k = floorMod(p.h, l / c), x = floorMod(p.j, l);
  return l - c * (k + 1) <= x && x < l - c * k;
}

static bool evaluateForm(const SetNode &s, const Point &p) {
  auto local = [&] { return p.i - p.j < s.l; };
  auto column = [&] { return floorMod(p.i - p.j, s.l) == 0; };
  auto block = [&] { return floorDiv(p.i, s.l) == floorDiv(p.j, s.l); };
  switch (s.form) {
  case FormKind::Local: return local();
  case FormKind::Column: return column();
  case FormKind::Block: return block();
  case FormKind::Summary: return inSummary(s.l, s.c, p);
  case FormKind::Strided: return local() || column();
  case FormKind::Fixed: return block() || inSummary(s.l, s.c, p);
  case FormKind::Dense: return true;
  }
  return false;
}

static bool evaluateComparison(const SetNode &s, const Point &p) {
  int64_t a = evaluate(*s.lhs, p), b = evaluate(*s.rhs, p);
  switch (s.compare) {
  case Compare::LT: return a < b;
  case Compare::LE: return a <= b;
  case Compare::GT: return a > b;
  case Compare::GE: return a >= b;
  case Compare::EQ: return a == b;
  case Compare::NE: return a != b;
  }
  return false;
}

bool evaluate(const SetNode &s, const Point &p) {
  auto holds = [&](const SetRef &c) { return evaluate(*c, p); };
  switch (s.kind) {
  case SetKind::Form: return evaluateForm(s, p);
  case SetKind::Comparison: return evaluateComparison(s, p);
  case SetKind::And: return std::all_of(s.children.begin(), s.children.end(), holds);
  case SetKind::Or: return std::any_of(s.children.begin(), s.children.end(), holds);
  case SetKind::Not: return !holds(s.children.front());
  case SetKind::Heads: return holds(s.children[floorMod(p.h, s.children.size())]);
  }
  return false;
}

//===-- printing ---------------------------------------------------------------------------------===//

/// Binding strength: sums 1, products and divisions 2, variables and constants 3.
static int strength(const ExprNode &e) {
  switch (e.kind) {
  case ExprKind::Add:
  case ExprKind::Sub: return 1;
  case ExprKind::Mul:
  case ExprKind::FloorDiv:
  case ExprKind::Mod: return 2;
  default: return 3;
  }
}

static std::string printAt(const ExprNode &e, int least) {
  std::string text = print(e);
  return strength(e) < least ? "(" + text + ")" : text;
}

std::string print(const ExprNode &e) {
  switch (e.kind) {
  case ExprKind::Constant: return std::to_string(e.value);
  case ExprKind::Head: return "h";
  case ExprKind::Query: return "i";
  case ExprKind::Key: return "j";
  case ExprKind::Length: return "n";
  case ExprKind::Add: return printAt(*e.lhs, 1) + " + " + printAt(*e.rhs, 2);
  case ExprKind::Sub: return printAt(*e.lhs, 1) + " - " + printAt(*e.rhs, 2);
  case ExprKind::Mul: return std::to_string(e.value) + " * " + printAt(*e.lhs, 3);
  case ExprKind::FloorDiv: return printAt(*e.lhs, 2) + " // " + std::to_string(e.value);
  case ExprKind::Mod: return printAt(*e.lhs, 2) + " mod " + std::to_string(e.value);
  }
  return "";
}

const char *formName(FormKind form) {
  switch (form) {
  case FormKind::Local: return "local";
  case FormKind::Column: return "column";
  case FormKind::Block: return "block";
  case FormKind::Summary: return "summary";
  case FormKind::Strided: return "strided";
  case FormKind::Fixed: return "fixed";
  case FormKind::Dense: return "dense";
  }
  return "";
}

bool formHasL(FormKind form) { return form != FormKind::Dense; }
bool formHasC(FormKind form) { return form == FormKind::Summary || form == FormKind::Fixed; }

static const char *symbol(Compare c) {
  switch (c) {
  case Compare::LT: return " < ";
  case Compare::LE: return " <= ";
  case Compare::GT: return " > ";
  case Compare::GE: return " >= ";
  case Compare::EQ: return " == ";
  case Compare::NE: return " != ";
  }
  return "";
}

static std::string join(const std::vector<SetRef> &sets, const char *separator, bool parenthesizeOr) {
  std::string text;
  for (const SetRef &s : sets) {
    if (!text.empty()) text += separator;
    text += parenthesizeOr && s->kind == SetKind::Or ? "(" + print(*s) + ")" : print(*s);
  }
  return text;
}

std::string print(const SetNode &s) {
  switch (s.kind) {
  case SetKind::Form: {
    std::string text = formName(s.form);
    if (formHasL(s.form))
      text += "(" + std::to_string(s.l) + (formHasC(s.form) ? ", c=" + std::to_string(s.c) : "") + ")";
    return text;
  }
  case SetKind::Comparison: return print(*s.lhs) + symbol(s.compare) + print(*s.rhs);
  case SetKind::And: return join(s.children, " and ", true);
  case SetKind::Or: return join(s.children, " or ", false);
  case SetKind::Not: {
    const SetNode &c = *s.children.front();
    bool bare = c.kind == SetKind::Form || c.kind == SetKind::Heads;
    return bare ? "not " + print(c) : "not (" + print(c) + ")";
  }
  case SetKind::Heads: return "heads(" + join(s.children, ", ", false) + ")";
  }
  return "";
}

} // namespace drawloom
