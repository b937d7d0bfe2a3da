// Kernels' runs as CUPTI tells of them, and in a trace.
#include "runtime/cuda/Cupti.h"
#include "runtime/support/Clock.h"
#include <cstdlib>
#include <gtest/gtest.h>

using namespace drawloom;
using namespace drawloom::cuda;

namespace {

class KernelTraces : public testing::Test {
protected:
  void SetUp() override { ::setenv("DRAWLOOM_CUPTI", FAKE_CUPTI, 1); }
  void TearDown() override { ::unsetenv("DRAWLOOM_CUPTI"), ::unsetenv("FAKE_CUPTI_ERROR"); }
  std::string problem;
};

TEST_F(KernelTraces, AreInOrderOnOurClock) {
  uint64_t before = monotonicNanoseconds();
  auto trace = KernelTrace::start(problem);
  ASSERT_TRUE(trace) << problem;
  uint64_t after = monotonicNanoseconds();
  std::vector<KernelSpan> spans = trace->finish();
  ASSERT_EQ(spans.size(), 2u) << "a copy is no kernel, and one has no times";
  EXPECT_EQ(spans[0].name, "first");
  EXPECT_EQ(spans[0].nanoseconds, 1000u);
  EXPECT_GE(spans[0].start, before + 2000); // CUPTI's clock said 1,000,000 when it started
  EXPECT_LE(spans[0].start, after + 2000);
  EXPECT_EQ(spans[1].name, "second");
  EXPECT_EQ(spans[1].start - spans[0].start, 3000u);
  EXPECT_EQ(spans[1].stream, 7u);
  EXPECT_EQ(spans[1].registers, 168u);
  EXPECT_EQ(spans[1].sharedBytes, 1040u);
  EXPECT_EQ(spans[1].grid, (std::array<int32_t, 3>{1, 2, 3}));
  EXPECT_EQ(spans[1].block, (std::array<int32_t, 3>{128, 129, 130}));
}

TEST_F(KernelTraces, StartAnew) {
  for (int k = 0; k < 2; ++k) {
    auto trace = KernelTrace::start(problem);
    ASSERT_TRUE(trace) << problem;
    EXPECT_EQ(trace->finish().size(), 2u);
    EXPECT_TRUE(trace->finish().empty()) << "it has ended";
  }
}

TEST_F(KernelTraces, SayWhyThereAreNone) {
  ::setenv("FAKE_CUPTI_ERROR", "39", 1); // another tool has it
  EXPECT_FALSE(KernelTrace::start(problem));
  EXPECT_EQ(problem, "CUPTI does not start: its error 39");
  ::setenv("DRAWLOOM_CUPTI", "/nowhere/libcupti.so", 1);
  EXPECT_FALSE(KernelTrace::start(problem));
  EXPECT_EQ(problem, "/nowhere/libcupti.so cannot be loaded");
  ::setenv("DRAWLOOM_CUPTI", "libm.so.6", 1);
  EXPECT_FALSE(KernelTrace::start(problem));
  EXPECT_EQ(problem, "CUPTI's library has not all of its functions");
}

} // namespace
