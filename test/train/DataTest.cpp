#include "runtime/data/Batches.h"
#include "runtime/data/Split.h"
#include "runtime/data/Text.h"
#include "test/train/FakeModel.h"
#include <set>

namespace drawloom::test {
namespace {

TEST(SplitTest, FractionsAreCutAtFloors) {
  Split s = splitData(1001, {0.9, 0.05, 0.05});
  EXPECT_EQ(s.train, (Range{0, 900}));
  EXPECT_EQ(s.valid, (Range{900, 950}));
  EXPECT_EQ(s.test, (Range{950, 1001})); // they sum to 1: no byte is lost
}

TEST(SplitTest, FractionsBelowOneLeaveTheRest) {
  Split s = splitData(1000, {0.5, 0.25, 0});
  EXPECT_EQ(s.valid, (Range{500, 750}));
  EXPECT_EQ(s.test.size(), 0u);
}

TEST(SplitTest, OneMeansEverything) { EXPECT_EQ(splitData(77, {1, 0, 0}).train, (Range{0, 77})); }

TEST(SplitTest, NumbersAboveOneAreBytes) {
  Split s = splitData(100'000'000, {90e6, 5e6, 5e6});
  EXPECT_EQ(s.train, (Range{0, 90'000'000}));
  EXPECT_EQ(s.valid, (Range{90'000'000, 95'000'000}));
  EXPECT_EQ(s.test, (Range{95'000'000, 100'000'000}));
}

TEST(SplitTest, MoreBytesThanThereAreIsAnErrorWithBothNumbers) {
  auto text = errorOf(kBadInput, [] { splitData(99, {90, 5, 5}); });
  EXPECT_NE(text.find("= 100 bytes, but the data has 99"), std::string::npos) << text;
}

TEST(SplitTest, FractionsAboveOneInSumAreAnError) {
  errorOf(kBadInput, [] { splitData(99, {0.9, 0.2, 0}); });
}
TEST(SplitTest, NegativePartsAreAnError) {
  errorOf(kBadInput, [] { splitData(99, {0.9, -0.1, 0}); });
}
TEST(SplitTest, FractionalByteCountsAreAnError) {
  errorOf(kBadInput, [] { splitData(99, {10.5, 2, 0}); });
}
TEST(SplitTest, UnknownPartsAreAUsageError) {
  errorOf(kUsage, [] { partOf({}, "dev"); });
}

TEST(PermuteTest, IsABijectionForEverySizeAndIndex) {
  for (uint64_t size : {1, 2, 3, 5, 16, 17, 100, 1000})
    for (uint64_t index : {0, 1, 99}) {
      std::set<uint64_t> seen;
      for (uint64_t x = 0; x < size; ++x) {
        uint64_t y = permute(3, index, size, x);
        ASSERT_LT(y, size);
        seen.insert(y);
      }
      EXPECT_EQ(seen.size(), size);
    }
}

TEST(PermuteTest, LooksRandom) {
  // The mean displacement of a random permutation of m numbers is near m/3; fixed points are few.
  uint64_t m = 2000, fixed = 0;
  double moved = 0;
  for (uint64_t x = 0; x < m; ++x) {
    uint64_t y = permute(1, 0, m, x);
    fixed += x == y;
    moved += std::abs(double(x) - double(y)) / double(m);
  }
  EXPECT_LT(fixed, 10u);
  EXPECT_NEAR(moved / double(m), 1.0 / 3, 0.03);
}

TEST(WindowOrderTest, EveryWindowComesOnceAnEpochWithoutOverlap) {
  for (uint64_t size : {16, 31, 32, 100, 1003}) {
    uint64_t n = 16;
    WindowOrder order(5, {10, 10 + size}, n, "it");
    for (uint64_t epoch : {0, 1, 7}) {
      std::set<uint64_t> starts;
      for (uint64_t k = 0; k < order.windows(); ++k) starts.insert(order.start(epoch * order.windows() + k));
      ASSERT_EQ(starts.size(), order.windows());
      EXPECT_GE(*starts.begin(), 10u);
      EXPECT_LE(*starts.rbegin() + n, 10 + size);
      for (auto it = starts.begin(); std::next(it) != starts.end(); ++it) EXPECT_EQ(*std::next(it) - *it, n);
    }
  }
}

TEST(WindowOrderTest, OffsetsAndOrdersDifferByEpochAndSeed) {
  WindowOrder a(1, {0, 100'000}, 100, "it"), b(2, {0, 100'000}, 100, "it");
  std::set<uint64_t> offsets;
  for (uint64_t e = 0; e < 20; ++e) offsets.insert(a.start(e * a.windows()) % 100);
  EXPECT_GT(offsets.size(), 10u);
  int equal = 0;
  for (uint64_t k = 0; k < 100; ++k) equal += a.start(k) == b.start(k);
  EXPECT_LT(equal, 5);
}

TEST(WindowOrderTest, IsAFunctionOfSeedAndSequence) {
  WindowOrder a(9, {0, 5000}, 32, "it"), b(9, {0, 5000}, 32, "it");
  for (uint64_t k = 500; k-- > 0;) EXPECT_EQ(a.start(k), b.start(k)); // in any order of asking
}

TEST(WindowOrderTest, FixedWindowsStandAtMultiplesOfTheirSizeInEveryEpoch) {
  WindowOrder order(5, {48, 48 + 160}, 16, "it", Windows::Fixed);
  EXPECT_EQ(order.windows(), 10u);
  std::vector<std::vector<uint64_t>> epochs(2);
  for (uint64_t k = 0; k < 20; ++k) epochs[k / 10].push_back(order.start(k));
  EXPECT_NE(epochs[0], epochs[1]);
  for (auto &starts : epochs) {
    std::sort(starts.begin(), starts.end());
    for (uint64_t k = 0; k < 10; ++k) EXPECT_EQ(starts[k], 48 + 16 * k);
  }
}

TEST(WindowOrderTest, TooShortTextSaysHowMuchIsNeeded) {
  auto text = errorOf(kBadInput, [] { WindowOrder(0, {0, 99}, 100, "the training part of 'x'"); });
  EXPECT_NE(text.find("takes 100 bytes, found 99"), std::string::npos) << text;
  EXPECT_NE(text.find("hint:"), std::string::npos);
}

TEST(FillRowTest, TokensAreTargetsShiftedRightBehindTheStartSymbol) {
  std::vector<uint8_t> bytes{5, 6, 255};
  std::vector<int32_t> tokens(3), targets(3);
  fillRow(bytes, tokens, targets);
  EXPECT_EQ(tokens, (std::vector<int32_t>{256, 5, 6}));
  EXPECT_EQ(targets, (std::vector<int32_t>{5, 6, 255}));
}

TEST(FillRowTest, PadsWithZero) {
  std::vector<uint8_t> bytes{5};
  std::vector<int32_t> tokens(3), targets(3);
  fillRow(bytes, tokens, targets);
  EXPECT_EQ(tokens, (std::vector<int32_t>{256, 5, 0}));
  EXPECT_EQ(targets, (std::vector<int32_t>{5, 0, 0}));
}

TEST(TextTest, MissingFileIsMissingInputWithAHint) {
  auto text = errorOf(kMissingInput, [] { Text("/nowhere/text"); });
  EXPECT_NE(text.find("'/nowhere/text' does not exist"), std::string::npos) << text;
  EXPECT_NE(text.find("--data"), std::string::npos) << text;
}

TEST(TextTest, NoPathIsMissingInput) {
  errorOf(kMissingInput, [] { Text(""); });
}

TEST(TextTest, EmptyFileIsBadInput) {
  ScratchFolder f;
  writeText(f / "empty", "");
  errorOf(kBadInput, [&] { Text(f / "empty"); });
}

TEST(TextTest, FingerprintSeesChangesOfSizeHeadAndTail) {
  ScratchFolder f;
  std::string text = someText(3'000'000);
  auto print = [&](const std::string &t) {
    writeText(f / "t", t);
    return Text(f / "t").fingerprint();
  };
  uint64_t original = print(text);
  EXPECT_EQ(print(text), original);
  EXPECT_NE(print(text + "x"), original);
  std::string head = text, tail = text;
  head[5] ^= 1;
  tail[tail.size() - 5] ^= 1;
  EXPECT_NE(print(head), original);
  EXPECT_NE(print(tail), original);
}

} // namespace
} // namespace drawloom::test
