// Intervals that overlap a range, compared with asking each.
#include "passes/memory/IntervalSet.h"
#include <gtest/gtest.h>
#include <random>
#include <set>

using namespace drawloom;

namespace {

std::set<size_t> overlaps(const IntervalSet &set, const Interval &range) {
  std::set<size_t> found;
  EXPECT_TRUE(set.forEachOverlap(range, [&](size_t k) {
    EXPECT_TRUE(found.insert(k).second) << "visited twice";
    return true;
  }));
  return found;
}

TEST(IntervalSet, KnowsOnlyWhatIsPresent) {
  IntervalSet set({{0, 0, 10}, {0, 5, 7}, {1, 0, 10}});
  EXPECT_EQ(overlaps(set, {0, 0, 100}), (std::set<size_t>{}));
  for (size_t k : {0, 1, 2}) set.insert(k);
  EXPECT_EQ(overlaps(set, {0, 6, 7}), (std::set<size_t>{0, 1}));
  EXPECT_EQ(overlaps(set, {1, 6, 7}), (std::set<size_t>{2}));
  EXPECT_EQ(overlaps(set, {0, 10, 20}), (std::set<size_t>{})) << "ends are not included";
  set.erase(0);
  EXPECT_EQ(overlaps(set, {0, 6, 7}), (std::set<size_t>{1}));
}

TEST(IntervalSet, StopsWhenItIsToldTo) {
  IntervalSet set({{0, 0, 10}, {0, 1, 10}});
  set.insert(0), set.insert(1);
  int calls = 0;
  EXPECT_FALSE(set.forEachOverlap({0, 0, 10}, [&](size_t) { return ++calls, false; }));
  EXPECT_EQ(calls, 1);
}

TEST(IntervalSet, NothingOverlapsNothing) {
  EXPECT_EQ(overlaps(IntervalSet({}), {0, 0, 10}), (std::set<size_t>{}));
  IntervalSet set({{0, 0, 10}});
  set.insert(0);
  EXPECT_EQ(overlaps(set, {0, 5, 5}), (std::set<size_t>{}));
}

TEST(IntervalSet, AnswersAsAskingEachDoes) {
  std::mt19937 random(1);
  for (int trial = 0; trial < 100; ++trial) {
    auto any = [&] {
      int64_t begin = int64_t(random() % 200);
      return Interval{unsigned(random() % 3), begin, begin + 1 + int64_t(random() % (trial % 2 ? 5 : 150))};
    };
    std::vector<Interval> all(1 + random() % 70);
    for (Interval &i : all) i = any();
    IntervalSet set(all);
    std::vector<bool> present(all.size());
    for (int step = 0; step < 200; ++step) {
      size_t k = random() % all.size();
      present[k] = random() % 2;
      present[k] ? set.insert(k) : set.erase(k);
      Interval range = any();
      std::set<size_t> wanted;
      for (size_t i = 0; i < all.size(); ++i)
        if (present[i] && all[i].space == range.space && all[i].begin < range.end && range.begin < all[i].end)
          wanted.insert(i);
      ASSERT_EQ(overlaps(set, range), wanted) << "trial " << trial << ", step " << step;
    }
  }
}

} // namespace
