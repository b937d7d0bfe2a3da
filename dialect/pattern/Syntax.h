// The syntax tree of a pattern: integer expressions over h, i, j, n, and sets built from comparisons and
// named forms. Nodes are immutable and shared; the make functions keep them in canonical shape (constants
// folded, `not` pushed onto comparisons, nested and/or flattened), so that printing and parsing are inverse
// to each other.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace drawloom {

struct ExprNode;
struct SetNode;
using ExprRef = std::shared_ptr<const ExprNode>;
using SetRef = std::shared_ptr<const SetNode>;

enum class ExprKind { Constant, Head, Query, Key, Length, Add, Sub, Mul, FloorDiv, Mod };

/// An integer expression. Mul holds its constant factor in `value` and the other in `lhs`; FloorDiv and Mod
/// hold their positive divisor in `value`.
struct ExprNode {
  ExprKind kind;
  int64_t value = 0;
  ExprRef lhs{}, rhs{};
};

/// The values that the variables have.
struct Point {
  int64_t h, i, j, n;
};

ExprRef makeConstant(int64_t value);
ExprRef makeVariable(ExprKind kind);
ExprRef makeAdd(ExprRef a, ExprRef b);
ExprRef makeSub(ExprRef a, ExprRef b);
ExprRef makeMul(int64_t factor, ExprRef a);
ExprRef makeFloorDiv(ExprRef a, int64_t divisor);
ExprRef makeMod(ExprRef a, int64_t divisor);

enum class Compare { LT, LE, GT, GE, EQ, NE };
enum class FormKind { Local, Column, Block, Summary, Strided, Fixed, Dense };
enum class SetKind { Form, Comparison, And, Or, Not, Heads };

/// A set of (h, i, j). Forms use `form`, `l` and `c` (c of summary and fixed only); comparisons use
/// `compare`, `lhs`, `rhs`; And and Or have at least two children, Not has one; Heads has at least one: head
/// h has child h mod count.
struct SetNode {
  SetKind kind;
  FormKind form = FormKind::Dense;
  int64_t l = 0, c = 0;
  Compare compare = Compare::EQ;
  ExprRef lhs{}, rhs{};
  std::vector<SetRef> children{};
};

SetRef makeForm(FormKind form, int64_t l = 0, int64_t c = 0);
SetRef makeComparison(Compare compare, ExprRef lhs, ExprRef rhs);
SetRef makeAnd(std::vector<SetRef> children);
SetRef makeOr(std::vector<SetRef> children);
SetRef makeNot(SetRef child);
SetRef makeHeads(std::vector<SetRef> children);

/// Floor division and its remainder in [0, b), for b > 0.
inline int64_t floorDiv(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }
inline int64_t floorMod(int64_t a, int64_t b) { return a - b * floorDiv(a, b); }
inline int64_t ceilDiv(int64_t a, int64_t b) { return floorDiv(a + b - 1, b); }

int64_t evaluate(const ExprNode &e, const Point &p);
/// Membership by direct evaluation; causality is not added here.
bool evaluate(const SetNode &s, const Point &p);

std::string print(const ExprNode &e);
std::string print(const SetNode &s);

/// The name of a form as the language spells it, and whether it has parameters l and c.
const char *formName(FormKind form);
bool formHasL(FormKind form);
bool formHasC(FormKind form);

} // namespace drawloom
