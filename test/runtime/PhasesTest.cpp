// First in its program: the record of phases is the process's.
#include "runtime/support/Phases.h"
#include "runtime/support/Clock.h"
#include <algorithm>
#include <gtest/gtest.h>
#include <thread>

namespace drawloom {
namespace {

const PhaseSpan *find(const std::vector<PhaseSpan> &all, const std::string &name) {
  auto found = std::ranges::find(all, name, &PhaseSpan::name);
  return found == all.end() ? nullptr : &*found;
}

TEST(Phases, AreKeptInOrderOfTheirStarts) {
  uint64_t before = monotonicNanoseconds();
  {
    PhaseTimer outer("outer");
    PhaseTimer inner("inner");
  }
  PhaseTimer open("open");
  auto all = phasesSoFar();
  auto *outer = find(all, "outer"), *inner = find(all, "inner");
  ASSERT_TRUE(outer && inner);
  EXPECT_LE(before, outer->start);
  EXPECT_LT(outer, inner);
  EXPECT_LE(inner->start + inner->nanoseconds, outer->start + outer->nanoseconds);
  EXPECT_FALSE(find(all, "open")) << "has not ended";
  EXPECT_EQ(all[0].name, "process");
  EXPECT_EQ(all[0].start + all[0].nanoseconds, all[1].start);
}

TEST(Phases, AnEndedPhaseEndsOnce) {
  PhaseTimer phase("once");
  phase.end();
  phase.end();
  EXPECT_EQ(std::ranges::count(phasesSoFar(), "once", &PhaseSpan::name), 1);
}

TEST(Phases, ThreadsAreToldApart) {
  {
    PhaseTimer here("here");
  }
  std::thread([] { PhaseTimer there("there"); }).join();
  auto all = phasesSoFar();
  EXPECT_NE(find(all, "here")->thread, find(all, "there")->thread);
}

TEST(Phases, TheProcessStartedAWhileAgo) {
  uint64_t now = monotonicNanoseconds(), start = processStart();
  EXPECT_LE(start, now);
  EXPECT_LT(now - start, 600'000'000'000u);
}

TEST(Phases, AreBounded) {
  for (size_t k = 0; k < 2 * kMostPhases; ++k) PhaseTimer many("many");
  EXPECT_LE(phasesSoFar().size(), kMostPhases + 1);
}

} // namespace
} // namespace drawloom
