#include "dialect/pattern/Parser.h"
#include "dialect/pattern/Formula.h"
#include "dialect/pattern/Lexer.h"

namespace drawloom {
namespace {

constexpr int64_t kPositionLimit = int64_t(1) << 31; ///< positions and parameters stay below
constexpr int64_t kHeadLimit = int64_t(1) << 20;
constexpr __int128 kValueLimit = __int128(1) << 61;
constexpr int kDepthLimit = 200;
constexpr int kNodeLimit = 2000;

const char *const kWords[] = {"local", "column", "block", "summary", "strided", "fixed", "dense", "heads",
                              "and",   "or",     "not",   "mod",     "h",       "i",     "j",     "n"};

/// A parsed operand: a number (with a bound of its magnitude) or a set.
struct Operand {
  ExprRef number;
  SetRef set;
  __int128 bound = 0;
  unsigned column = 1;
};

class Parser {
public:
  Parser(std::string_view text, PatternError &error) : lexer(llvm::StringRef(text)), error(error) {
    advance();
  }

  SetRef run() {
    std::optional<Operand> value = parseOr();
    if (!value) return nullptr;
    if (current.kind != Token::End)
      return fail(current.column, "expected the end of the pattern, found " + shown(current), symbolHint()),
             nullptr;
    if (!wantSet(*value)) return nullptr;
    if (disjunctionSize(*value->set) > kDisjunctionLimit)
      return fail(value->column,
                  "the pattern has more than " + std::to_string(kDisjunctionLimit) +
                      " cases when written as 'or' of 'and's",
                  "'!=' and 'or' under 'and' multiply them"),
             nullptr;
    return value->set;
  }

private:
  using Result = std::optional<Operand>;

  //===-- errors and tokens --------------------===//

  std::nullopt_t fail(unsigned column, std::string message, std::string hint = "") {
    if (error.message.empty()) error = {column, std::move(message), std::move(hint)};
    return std::nullopt;
  }

  static std::string shown(const Token &t) {
    return t.kind == Token::End ? "the end of the text" : "'" + t.text.str() + "'";
  }

  /// What people who know other languages write.
  std::string symbolHint() const {
    static const std::pair<const char *, const char *> kOthers[] = {
        {"&&", "write 'and'"}, {"&", "write 'and'"}, {"||", "write 'or'"}, {"|", "write 'or'"},
        {"!", "write 'not'"},  {"%", "write 'mod'"}, {"/", "write '//'"},  {"=", "write '=='"}};
    for (auto [symbol, hint] : kOthers)
      if (current.text == symbol) return hint;
    return current.kind == Token::Word ? nearest(current.text) : "";
  }

  static std::string nearest(llvm::StringRef word) {
    std::string best;
    unsigned bestDistance = word.size() <= 2 ? 1 : 2;
    for (llvm::StringRef w : kWords) {
      unsigned d = word.edit_distance_insensitive(w, /*AllowReplacements=*/true, bestDistance + 1);
      if (d <= bestDistance && (best.empty() || d < bestDistance)) best = w.str(), bestDistance = d;
    }
    return best.empty() || best == word ? "" : "did you mean '" + best + "'?";
  }

  void advance() { current = lexer.next(); }

  bool accept(llvm::StringRef text) {
    if (!current.is(text)) return false;
    advance();
    return true;
  }

  bool expect(llvm::StringRef text) {
    if (accept(text)) return true;
    fail(current.column, "expected '" + text.str() + "', found " + shown(current), symbolHint());
    return false;
  }

  bool wantSet(const Operand &v) {
    if (v.set) return true;
    fail(v.column, "expected a condition, found the number '" + print(*v.number) + "'",
         "compare it, as in 'i - j < 64'");
    return false;
  }

  bool wantNumber(const Operand &v) {
    if (v.number) return true;
    fail(v.column, "expected a number, found the condition '" + print(*v.set) + "'");
    return false;
  }

  std::optional<int64_t> constantOf(const Operand &v) {
    if (v.number && v.number->kind == ExprKind::Constant) return v.number->value;
    return std::nullopt;
  }

  Result number(ExprRef e, __int128 bound, unsigned column) {
    if (bound > kValueLimit)
      return fail(column, "the number can exceed 61 bits for positions below 2^31", "use smaller constants");
    if (++nodes > kNodeLimit)
      return fail(column,
                  "the pattern is too long (more than " + std::to_string(kNodeLimit) + " operations)");
    return Operand{std::move(e), nullptr, bound, column};
  }

  Result set(SetRef s, unsigned column) {
    if (++nodes > kNodeLimit)
      return fail(column,
                  "the pattern is too long (more than " + std::to_string(kNodeLimit) + " operations)");
    return Operand{nullptr, std::move(s), 0, column};
  }

  /// Counts nesting, so that no input exhausts the stack.
  struct Nest {
    explicit Nest(int &depth) : depth(depth) { ++depth; }
    ~Nest() { --depth; }
    int &depth;
  };

  //===-- sets --------------------===//

  Result parseOr() {
    Nest nest(depth);
    if (depth > kDepthLimit) return fail(current.column, "the pattern is nested too deeply");
    return parseConnective("or", makeOr, [&] { return parseAnd(); });
  }

  Result parseAnd() {
    return parseConnective("and", makeAnd, [&] { return parseNot(); });
  }

  template <typename Make, typename Next> Result parseConnective(llvm::StringRef word, Make make, Next next) {
    Result first = next();
    if (!first || !current.is(word)) return first;
    if (!wantSet(*first)) return std::nullopt;
    std::vector<SetRef> sets{first->set};
    while (accept(word)) {
      Result more = next();
      if (!more || !wantSet(*more)) return std::nullopt;
      sets.push_back(more->set);
    }
    return set(make(std::move(sets)), first->column);
  }

  Result parseNot() {
    unsigned column = current.column;
    Nest nest(depth);
    if (depth > kDepthLimit) return fail(column, "the pattern is nested too deeply");
    if (!accept("not")) return parseComparison();
    Result inner = parseNot();
    if (!inner || !wantSet(*inner)) return std::nullopt;
    return set(makeNot(inner->set), column);
  }

  std::optional<Compare> acceptCompare() {
    static const std::pair<const char *, Compare> kSymbols[] = {{"<", Compare::LT},  {"<=", Compare::LE},
                                                                {">", Compare::GT},  {">=", Compare::GE},
                                                                {"==", Compare::EQ}, {"!=", Compare::NE}};
    for (auto [symbol, compare] : kSymbols)
      if (accept(symbol)) return compare;
    return std::nullopt;
  }

  Result parseComparison() {
    Result left = parseSum();
    if (!left) return std::nullopt;
    unsigned column = left->column;
    std::vector<SetRef> sets;
    while (true) {
      std::optional<Compare> compare = acceptCompare();
      if (!compare) break;
      if (!wantNumber(*left)) return std::nullopt;
      Result right = parseSum();
      if (!right || !wantNumber(*right)) return std::nullopt;
      sets.push_back(makeComparison(*compare, left->number, right->number));
      left = right;
    }
    if (sets.empty()) return left;
    return set(makeAnd(std::move(sets)), column);
  }

  //===-- numbers --------------------===//

  Result parseSum() {
    Result left = parseProduct();
    while (left && (current.is("+") || current.is("-"))) {
      bool plus = current.is("+");
      advance();
      if (!wantNumber(*left)) return std::nullopt;
      Result right = parseProduct();
      if (!right || !wantNumber(*right)) return std::nullopt;
      __int128 bound = left->bound + right->bound;
      if (bound <= kValueLimit)
        left = number(plus ? makeAdd(left->number, right->number) : makeSub(left->number, right->number),
                      bound, left->column);
      else
        return number(nullptr, bound, left->column);
    }
    return left;
  }

  Result parseProduct() {
    Result left = parseUnary();
    while (left && (current.is("*") || current.is("//") || current.is("mod"))) {
      Token op = current;
      advance();
      if (!wantNumber(*left)) return std::nullopt;
      Result right = parseUnary();
      if (!right || !wantNumber(*right)) return std::nullopt;
      left = op.is("*") ? multiply(*left, *right) : divide(*left, *right, op.is("mod"));
    }
    return left;
  }

  Result multiply(const Operand &a, const Operand &b) {
    std::optional<int64_t> factor = constantOf(a);
    const Operand &other = factor ? b : a;
    if (!factor) factor = constantOf(b);
    if (!factor)
      return fail(a.column,
                  "expected a constant factor in '" + print(*a.number) + " * " + print(*b.number) + "'",
                  "products of variables are not affine");
    __int128 bound = a.bound * b.bound; // both below 2^61
    if (bound > kValueLimit) return number(nullptr, bound, a.column);
    return number(makeMul(*factor, other.number), bound, a.column);
  }

  Result divide(const Operand &a, const Operand &b, bool mod) {
    std::optional<int64_t> divisor = constantOf(b);
    std::string what = mod ? "mod" : "//";
    if (!divisor)
      return fail(b.column, "expected a constant after '" + what + "', found '" + print(*b.number) + "'");
    if (*divisor < 1)
      return fail(b.column,
                  "expected a positive constant after '" + what + "', found " + std::to_string(*divisor));
    if (mod) return number(makeMod(a.number, *divisor), __int128(*divisor), a.column);
    return number(makeFloorDiv(a.number, *divisor), a.bound / *divisor + 1, a.column);
  }

  Result parseUnary() {
    unsigned column = current.column;
    Nest nest(depth);
    if (depth > kDepthLimit) return fail(column, "the pattern is nested too deeply");
    if (!accept("-")) return parsePrimary();
    Result inner = parseUnary();
    if (!inner || !wantNumber(*inner)) return std::nullopt;
    return number(makeMul(-1, inner->number), inner->bound, column);
  }

  Result parsePrimary() {
    Token t = current;
    if (t.kind == Token::Integer) return parseInteger();
    if (accept("(")) {
      Result inner = parseOr();
      if (!inner || !expect(")")) return std::nullopt;
      inner->column = t.column;
      return inner;
    }
    if (t.kind == Token::Word && !t.is("and") && !t.is("or") && !t.is("mod")) return parseWord();
    return fail(t.column, "expected a number, a variable, a pattern or '(', found " + shown(t), symbolHint());
  }

  Result parseInteger() {
    Token t = current;
    advance();
    int64_t value = 0;
    if (t.text.getAsInteger(10, value) || value > kPositionLimit)
      return fail(t.column, "expected an integer of at most 2^31, found '" + t.text.str() + "'");
    return number(makeConstant(value), value, t.column);
  }

  Result parseWord() {
    Token t = current;
    static const std::pair<const char *, ExprKind> kVariables[] = {
        {"h", ExprKind::Head}, {"i", ExprKind::Query}, {"j", ExprKind::Key}, {"n", ExprKind::Length}};
    for (auto [name, kind] : kVariables)
      if (accept(name))
        return number(makeVariable(kind), kind == ExprKind::Head ? kHeadLimit : kPositionLimit, t.column);
    if (accept("heads")) return parseHeads(t.column);
    for (FormKind form : {FormKind::Local, FormKind::Column, FormKind::Block, FormKind::Summary,
                          FormKind::Strided, FormKind::Fixed, FormKind::Dense})
      if (accept(formName(form))) return parseForm(form, t.column);
    return fail(t.column, "unknown name '" + t.text.str() + "'", nearest(t.text));
  }

  //===-- forms --------------------===//

  Result parseHeads(unsigned column) {
    std::vector<SetRef> sets;
    if (!expect("(")) return std::nullopt;
    do {
      Result s = parseOr();
      if (!s || !wantSet(*s)) return std::nullopt;
      sets.push_back(s->set);
    } while (accept(","));
    if (!expect(")")) return std::nullopt;
    return set(makeHeads(std::move(sets)), column);
  }

  Result parseForm(FormKind form, unsigned column) {
    std::string name = formName(form);
    if (!formHasL(form)) return set(makeForm(form), column);
    std::string usage = "write '" + name + (formHasC(form) ? "(128, c=32)'" : "(128)'");
    if (!current.is("("))
      return fail(current.column, "expected '(' after '" + name + "', found " + shown(current), usage);
    advance();
    std::optional<Parameter> l = parseParameter("l", usage), c;
    if (!l) return std::nullopt;
    if (formHasC(form)) {
      if (!current.is(","))
        return fail(current.column,
                    "expected ', c=' and the summary width of '" + name + "', found " + shown(current),
                    usage);
      advance();
      if (!(c = parseParameter("c", usage))) return std::nullopt;
      if (l->value % c->value != 0)
        return fail(c->column, "c must divide l: " + std::to_string(l->value) + " is not a multiple of " +
                                   std::to_string(c->value));
    }
    if (!expect(")")) return std::nullopt;
    return set(makeForm(form, l->value, c ? c->value : 0), column);
  }

  struct Parameter {
    int64_t value;
    unsigned column;
  };

  std::optional<Parameter> parseParameter(llvm::StringRef name, const std::string &usage) {
    if (current.kind == Token::Word) {
      if (!current.is(name))
        return fail(current.column, "expected '" + name.str() + "=' or an integer, found " + shown(current),
                    usage),
               std::nullopt;
      advance();
      if (!expect("=")) return std::nullopt;
    }
    Token t = current;
    int64_t value = 0;
    if (t.kind != Token::Integer || t.text.getAsInteger(10, value) || value < 1 || value >= kPositionLimit)
      return fail(t.column,
                  "expected " + name.str() + " as an integer of at least 1 and below 2^31, found " + shown(t),
                  usage),
             std::nullopt;
    advance();
    return Parameter{value, t.column};
  }

  Lexer lexer;
  Token current;
  PatternError &error;
  int depth = 0, nodes = 0;
};

} // namespace

SetRef parsePattern(std::string_view text, PatternError &error) {
  error = {};
  return Parser(text, error).run();
}

} // namespace drawloom
