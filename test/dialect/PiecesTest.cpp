// Chains of attend and attend_grad over a pattern's views mean the same as attention over the pattern, and
// both touch exactly the pattern's pairs, forward and backward.
#include "test/dialect/Pieces.h"
#include "dialect/pattern/Pattern.h"
#include "dialect/pattern/Views.h"
#include "test/dialect/Support.h"
#include <functional>
#include <random>

using namespace drawloom;
using namespace drawloom::test;

namespace {

drawloom::Pattern parsePattern(const std::string &text) {
  PatternError error;
  auto pattern = drawloom::Pattern::parse(text, error);
  if (!pattern) throw std::runtime_error(text + ": " + error.str());
  return *pattern;
}

/// Every named form with strides that divide n, do not, and exceed it; formulas with and without a dense
/// view.
const std::vector<std::string> kPatterns = {"dense",
                                            "local(1)",
                                            "local(3)",
                                            "local(16)",
                                            "local(96)",
                                            "column(1)",
                                            "column(3)",
                                            "column(16)",
                                            "column(48)",
                                            "block(1)",
                                            "block(3)",
                                            "block(16)",
                                            "block(96)",
                                            "summary(4, c=1)",
                                            "summary(4, c=2)",
                                            "summary(3, c=3)",
                                            "summary(16, c=4)",
                                            "summary(96, c=32)",
                                            "strided(1)",
                                            "strided(3)",
                                            "strided(16)",
                                            "fixed(4, c=2)",
                                            "fixed(3, c=1)",
                                            "fixed(16, c=8)",
                                            "fixed(48, c=16)",
                                            "strided(48)",
                                            "local(128)",
                                            "column(128)",
                                            "fixed(128, c=32)",
                                            "heads(local(4), column(4))",
                                            "heads(fixed(8, c=2), dense, strided(5))",
                                            "i - j < 3 or (i - j) mod 5 == 2",
                                            "i + j < 17",
                                            "i + j < 20 and (i - j) mod 3 != 1",
                                            "j < 4 or i - j < 2",
                                            "i // 4 - j // 4 <= 1",
                                            "not (i - j < 4) and i - j < 9",
                                            "(i + h) mod 3 == j mod 3",
                                            "i - j == h",
                                            "2 * j >= i",
                                            "j mod 7 == 3 and i >= 12"};

/// A random formula over h, i and j; some of them have a dense view, some do not.
class RandomFormula {
public:
  explicit RandomFormula(unsigned seed) : random(seed) {}

  std::string set(int depth = 0) {
    if (depth == 3 || pick(0, 2) == 0) return atom();
    switch (pick(0, 4)) {
    case 0: return "not (" + set(depth + 1) + ")";
    case 1:
    case 2: return "(" + set(depth + 1) + ") and (" + set(depth + 1) + ")";
    default: return "(" + set(depth + 1) + ") or (" + set(depth + 1) + ")";
    }
  }

private:
  std::string atom() {
    int l = pick(1, 9), k = pick(0, 12), r = pick(0, l - 1);
    switch (pick(0, 9)) {
    case 0: return fmt::format("i - j < {}", k);
    case 1: return fmt::format("(i - j) mod {} == {}", l, r);
    case 2: return fmt::format("i // {0} == j // {0}", l);
    case 3: return fmt::format("j mod {} <= {}", l, r);
    case 4: return fmt::format("i // {0} - j // {0} <= {1}", l, pick(0, 2));
    case 5: return fmt::format("j >= {}", k);
    case 6: return fmt::format("i + j < {}", 2 * k);
    case 7: return fmt::format("(j + h) mod {} == {}", l, r);
    case 8: return fmt::format("i mod {} >= j mod {}", l, pick(1, 9));
    default: return fmt::format("{} * j - i <= {}", pick(1, 3), k);
    }
  }
  int pick(int lo, int hi) { return lo + int(random() % unsigned(hi - lo + 1)); }

  std::mt19937 random;
};

} // namespace

class PiecesTest : public DialectTest {
protected:
  /// A module with @whole, and @pieces if the pattern has any pair.
  mlir::OwningOpRef<mlir::ModuleOp> build(const std::string &pattern, const AttentionShape &shape,
                                          bool &hasPieces) {
    auto views = makeViews(parsePattern(pattern), shape.n, shape.heads, &context);
    hasPieces = !views.empty();
    std::string text = wholeAttention("whole", shape, pattern);
    if (hasPieces) text += attentionByPieces("pieces", shape, views, &context);
    return parse(text);
  }

  void chainsEqualAttention(const std::string &pattern, int64_t n, int64_t heads) {
    SCOPED_TRACE(fmt::format("{}, n = {}, heads = {}", pattern, n, heads));
    bool hasPieces;
    auto module = build(pattern, {1, n, heads, 3, 2, 0.6}, hasPieces);
    if (!hasPieces) return;
    std::vector<Tensor> args = {Tensor::random({1, n, heads * 3}, 1), Tensor::random({1, n, heads * 3}, 2),
                                Tensor::random({1, n, heads * 2}, 3), Tensor::random({1, n, heads * 2}, 4)};
    auto whole = run(*module, "whole", args), pieces = run(*module, "pieces", args);
    ASSERT_EQ(whole.size(), 5u);
    ASSERT_EQ(pieces.size(), 5u);
    const char *names[] = {"out", "lse", "dq", "dk", "dv"};
    for (int k = 0; k < 5; ++k) EXPECT_LE(maxDifference(pieces[k], whole[k]), 1e-12) << names[k];
  }

  /// With v_j the j-th unit vector, out[i, j] is the weight of key j in query i; with dout_i the i-th, dv[j,
  /// i] is the same weight. With q_i and k_j unit vectors, dq[i, j] and dk[j, i] are the derivative of the
  /// objective with respect to the pair's score, which is zero only if the pair is absent or the row has no
  /// other key.
  void supportIsThePattern(const std::string &text, int64_t n, int64_t heads) {
    SCOPED_TRACE(fmt::format("{}, n = {}, heads = {}", text, n, heads));
    drawloom::Pattern pattern = parsePattern(text);
    bool hasPieces;
    auto module = build(text, {1, n, heads, n, n, 0.6}, hasPieces);
    Tensor units = unitVectors(n, heads), some = Tensor::random(units.shape, 5),
           other = Tensor::random(units.shape, 6);
    int64_t pairs = 0;
    for (std::string function : {"whole", "pieces"}) {
      if (function == "pieces" && !hasPieces) continue;
      auto values = run(*module, function, {some, other, units, units});
      auto scores = run(*module, function, {units, units, some, other});
      ASSERT_EQ(values.size() + scores.size(), 10u);
      pairs = 0;
      for (int64_t h = 0; h < heads; ++h)
        for (int64_t i = 0; i < n; ++i) {
          int64_t keys = 0;
          for (int64_t j = 0; j < n; ++j) keys += pattern.contains(h, i, j, n);
          for (int64_t j = 0; j < n; ++j) {
            bool belongs = pattern.contains(h, i, j, n), counts = belongs && keys > 1;
            EXPECT_EQ(values[0].row(i)[h * n + j] != 0, belongs)
                << function << " out " << h << " " << i << " " << j;
            EXPECT_EQ(values[4].row(j)[h * n + i] != 0, belongs)
                << function << " dv " << h << " " << i << " " << j;
            // A single key has probability 1 whatever its score: its derivative is 0 up to rounding.
            EXPECT_EQ(std::abs(scores[2].row(i)[h * n + j]) > 1e-14, counts)
                << function << " dq " << i << " " << j;
            EXPECT_EQ(std::abs(scores[3].row(j)[h * n + i]) > 1e-14, counts)
                << function << " dk " << i << " " << j;
          }
          pairs += keys;
        }
    }
    EXPECT_EQ(hasPieces, pairs > 0);
    EXPECT_EQ(pattern.countPairs(n, heads), pairs);
  }

  /// [1, n, heads * n]: row i of each head is the i-th unit vector.
  static Tensor unitVectors(int64_t n, int64_t heads) {
    Tensor units = Tensor::zeros({1, n, heads * n});
    for (int64_t i = 0; i < n; ++i)
      for (int64_t h = 0; h < heads; ++h) units.row(i)[h * n + i] = 1;
    return units;
  }
};

class PatternPiecesTest : public PiecesTest, public ::testing::WithParamInterface<std::string> {};

TEST_P(PatternPiecesTest, ChainsOverViewsEqualAttentionForwardAndBackward) {
  for (int64_t n : {1, 2, 7, 16, 29, 50})
    for (int64_t heads : {1, 3}) chainsEqualAttention(GetParam(), n, heads);
  chainsEqualAttention(GetParam(), 300, 2);
}

TEST_P(PatternPiecesTest, ForwardAndGradientsTouchExactlyThePatternsPairs) {
  for (int64_t n : {1, 13, 24})
    for (int64_t heads : {1, 4}) supportIsThePattern(GetParam(), n, heads);
}

TEST_F(PiecesTest, RandomFormulasAreExactForwardAndBackward) {
  for (unsigned seed = 0; seed < 150; ++seed) {
    std::string formula = RandomFormula(seed).set();
    for (int64_t n : {5, 17, 26}) {
      chainsEqualAttention(formula, n, 2);
      supportIsThePattern(formula, n, 2);
    }
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Patterns, PatternPiecesTest, ::testing::ValuesIn(kPatterns), [](const auto &info) {
  std::string name;
  for (char c : info.param)
    if (std::isalnum(static_cast<unsigned char>(c))) name += c;
  return name + "_" + std::to_string(info.index);
});

/// The sets of PAPER.md, written down a second time: what the named forms mean does not hang on the algebra
/// alone.
TEST_F(PiecesTest, NamedFormsAreThePapersSets) {
  struct Form {
    std::string text;
    std::function<bool(int64_t, int64_t, int64_t)> contains; // (h, i, j), j <= i
  };
  auto local = [](int64_t l) { return [=](int64_t, int64_t i, int64_t j) { return i - l < j; }; };
  auto column = [](int64_t l) { return [=](int64_t, int64_t i, int64_t j) { return (i - j) % l == 0; }; };
  auto block = [](int64_t l) { return [=](int64_t, int64_t i, int64_t j) { return i / l == j / l; }; };
  auto summary = [](int64_t l, int64_t c) {
    return [=](int64_t h, int64_t, int64_t j) {
      int64_t k = h % (l / c);
      return l - c * (k + 1) <= j % l && j % l < l - c * k;
    };
  };
  auto either = [](auto a, auto b) {
    return [=](int64_t h, int64_t i, int64_t j) { return a(h, i, j) || b(h, i, j); };
  };
  std::vector<Form> forms;
  for (int64_t l : {1, 3, 16, 48}) {
    forms.push_back({fmt::format("local({})", l), local(l)});
    forms.push_back({fmt::format("column({})", l), column(l)});
    forms.push_back({fmt::format("block({})", l), block(l)});
    forms.push_back({fmt::format("strided({})", l), either(local(l), column(l))});
    for (int64_t c = 1; c <= l; ++c)
      if (l % c == 0) {
        forms.push_back({fmt::format("summary({}, c={})", l, c), summary(l, c)});
        forms.push_back({fmt::format("fixed({}, c={})", l, c), either(block(l), summary(l, c))});
      }
  }
  constexpr int64_t n = 37, heads = 3;
  Tensor units = unitVectors(n, heads);
  Tensor some = Tensor::random(units.shape, 1);
  for (const Form &form : forms) {
    auto module = parse(wholeAttention("whole", {1, n, heads, n, n, 1.0}, form.text));
    auto results = run(*module, "whole", {some, some, units, units});
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < n; ++j)
          ASSERT_EQ(results[0].row(i)[h * n + j] != 0, j <= i && form.contains(h, i, j))
              << form.text << " h = " << h << " i = " << i << " j = " << j;
  }
}
