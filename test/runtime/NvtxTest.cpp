// What a tool hears of ranges.
#include "runtime/support/Nvtx.h"
#include "runtime/support/Phases.h"
#include <cstdlib>
#include <dlfcn.h>
#include <gtest/gtest.h>

using namespace drawloom;

namespace {

/// What has been heard since it was asked last.
std::string heard() {
  static size_t told = 0;
  void *library = ::dlopen(NVTX_LISTENER, RTLD_LAZY);
  auto ask = reinterpret_cast<const char *(*)()>(::dlsym(library, "nvtxListenerHeard"));
  std::string all = ask(), news = all.substr(told);
  told = all.size();
  return news;
}

class Nvtx : public testing::Test {
protected:
  void SetUp() override {
    ::setenv("NVTX_INJECTION64_PATH", NVTX_LISTENER, 1);
    ASSERT_TRUE(nvtxListens());
    heard();
  }
};

TEST_F(Nvtx, RangesLieInEachOther) {
  {
    NvtxRange step("step 1");
    NvtxRange gradient("gradient");
  }
  EXPECT_EQ(heard(), "<step 1><gradient></></>");
}

TEST_F(Nvtx, ARangeEndsOnce) {
  {
    NvtxRange range("update");
    range.end();
  }
  EXPECT_EQ(heard(), "<update></>");
}

TEST_F(Nvtx, PhasesAreRanges) {
  {
    PhaseTimer phase("compile");
  }
  EXPECT_EQ(heard(), "<compile></>");
}

} // namespace
