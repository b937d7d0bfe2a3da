// The pattern language: what is accepted, how it is spelt, and what errors say.
#include "test/pattern/Support.h"

namespace drawloom::test {
namespace {

std::string spelling(const std::string &text) { return parse(text).spelling(); }

std::string errorOf(const std::string &text) {
  PatternError error;
  EXPECT_FALSE(Pattern::parse(text, error)) << text;
  return error.str();
}

TEST(PatternParser, SpellsFormsCanonically) {
  EXPECT_EQ(spelling(" fixed( 128,32 )"), "fixed(128, c=32)");
  EXPECT_EQ(spelling("summary(l=128, c=32)"), "summary(128, c=32)");
  EXPECT_EQ(spelling("heads( local(4),dense )"), "heads(local(4), dense)");
  EXPECT_EQ(spelling("heads(local(4))"), "local(4)");
}

TEST(PatternParser, SpellsExpressionsCanonically) {
  EXPECT_EQ(spelling("j<=i and(i-j<64 or(i-j)mod 256==0)"),
            "j <= i and (i - j < 64 or (i - j) mod 256 == 0)");
  EXPECT_EQ(spelling("i*2 - -3 > 4//3"), "2 * i + 3 > 1");
  EXPECT_EQ(spelling("not i < j"), "i >= j");
  EXPECT_EQ(spelling("not (i < j and local(3))"), "not (i < j and local(3))");
  EXPECT_EQ(spelling("i // 4 mod 3 == (j // 4) mod 3"), "i // 4 mod 3 == j // 4 mod 3");
  EXPECT_EQ(spelling("i - (j - 3) == 0"), "i - (j - 3) == 0");
}

TEST(PatternParser, ReadsChainsOfComparisonsAsBoth) {
  EXPECT_EQ(spelling("0 <= i - j < 64"), "0 <= i - j and i - j < 64");
}

TEST(PatternParser, DividesTowardsMinusInfinity) {
  Pattern p = parse("(j - i) // 4 == -1 and (j - i) mod 4 == 2");
  EXPECT_TRUE(p.contains(0, 9, 7, 10));
  EXPECT_FALSE(p.contains(0, 9, 3, 10));
}

TEST(PatternParser, RoundTripsItsOwnSpelling) {
  RandomPatterns random(3);
  for (int k = 0; k < 2000; ++k) {
    Pattern p = parse(random.set(k % 4));
    Pattern q = parse(p.spelling());
    ASSERT_EQ(p.spelling(), q.spelling());
    for (int64_t i = 0; i < 30; i += 7)
      for (int64_t j = 0; j <= i; ++j)
        ASSERT_EQ(p.contains(k % 5, i, j, 30), q.contains(k % 5, i, j, 30)) << p.spelling();
  }
}

TEST(PatternParser, NamesTheNearestWord) {
  EXPECT_EQ(errorOf("locl(3)"), "column 1: unknown name 'locl' (did you mean 'local'?)");
  EXPECT_EQ(errorOf("local(3) or sumary(8, c=2)"),
            "column 13: unknown name 'sumary' (did you mean 'summary'?)");
  EXPECT_EQ(errorOf("i - k < 3"), "column 5: unknown name 'k' (did you mean 'h'?)");
}

TEST(PatternParser, KnowsOtherLanguagesOperators) {
  EXPECT_EQ(errorOf("i % 4 == 0"), "column 3: expected the end of the pattern, found '%' (write 'mod')");
  EXPECT_EQ(errorOf("i < 4 && j < 4"), "column 7: expected the end of the pattern, found '&&' (write 'and')");
  EXPECT_EQ(errorOf("i = j"), "column 3: expected the end of the pattern, found '=' (write '==')");
  EXPECT_EQ(errorOf("i / 2 == j"), "column 3: expected the end of the pattern, found '/' (write '//')");
}

TEST(PatternParser, SaysWhereTypesDoNotFit) {
  EXPECT_EQ(errorOf("i - j"),
            "column 1: expected a condition, found the number 'i - j' (compare it, as in 'i - j < 64')");
  EXPECT_EQ(errorOf("i < j or 3"),
            "column 10: expected a condition, found the number '3' (compare it, as in 'i - j < 64')");
  EXPECT_EQ(errorOf("(i < j) + 1 == 0"), "column 1: expected a number, found the condition 'i < j'");
}

TEST(PatternParser, RefusesWhatIsNotAffine) {
  EXPECT_EQ(errorOf("i * j < 4"),
            "column 1: expected a constant factor in 'i * j' (products of variables are not affine)");
  EXPECT_EQ(errorOf("i mod j == 0"), "column 7: expected a constant after 'mod', found 'j'");
  EXPECT_EQ(errorOf("i // 0 == 0"), "column 6: expected a positive constant after '//', found 0");
}

TEST(PatternParser, ChecksParameters) {
  EXPECT_EQ(errorOf("fixed(128, c=48)"), "column 14: c must divide l: 128 is not a multiple of 48");
  EXPECT_EQ(
      errorOf("fixed(128)"),
      "column 10: expected ', c=' and the summary width of 'fixed', found ')' (write 'fixed(128, c=32)')");
  EXPECT_EQ(errorOf("local"),
            "column 6: expected '(' after 'local', found the end of the text (write 'local(128)')");
  EXPECT_EQ(
      errorOf("local(0)"),
      "column 7: expected l as an integer of at least 1 and below 2^31, found '0' (write 'local(128)')");
  EXPECT_EQ(errorOf("local(x=3)"), "column 7: expected 'l=' or an integer, found 'x' (write 'local(128)')");
  EXPECT_EQ(errorOf("local(99999999999)"), "column 7: expected l as an integer of at least 1 and below 2^31, "
                                           "found '99999999999' (write 'local(128)')");
}

TEST(PatternParser, RefusesIncompleteText) {
  EXPECT_EQ(errorOf(""),
            "column 1: expected a number, a variable, a pattern or '(', found the end of the text");
  EXPECT_EQ(errorOf("(local(3)"), "column 10: expected ')', found the end of the text");
  EXPECT_EQ(errorOf("local(3) and"),
            "column 13: expected a number, a variable, a pattern or '(', found the end of the text");
  EXPECT_EQ(errorOf("local(3) dense"), "column 10: expected the end of the pattern, found 'dense'");
  EXPECT_EQ(errorOf("12abc < i"), "column 1: expected a number, a variable, a pattern or '(', found '12abc'");
}

TEST(PatternParser, BoundsNestingSizeAndMagnitude) {
  EXPECT_NE(errorOf(std::string(5000, '(') + "i < j").find("nested too deeply"), std::string::npos);
  EXPECT_NE(errorOf("2000000000 * (2000000000 * i) < j").find("can exceed 61 bits"), std::string::npos);
  std::string many = "i != 0", choices = "(i < 1 or j < 1)";
  for (int k = 1; k < 12; ++k) choices += " and (i < " + std::to_string(k) + " or j < 5)";
  EXPECT_NE(errorOf(choices).find("more than 1024 cases"), std::string::npos);
  for (int k = 1; k < 3000; ++k) many += " or i != " + std::to_string(k);
  EXPECT_NE(errorOf(many).find("too long"), std::string::npos);
}

} // namespace
} // namespace drawloom::test
