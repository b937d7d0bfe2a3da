#include "runtime/artifact/CpuFeatures.h"
#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <sstream>

namespace drawloom {
namespace {

TEST(CpuFeatures, EveryX8664ProcessorHasItsBaseline) {
  std::string baseline[] = {"sse", "sse2", "cx8", "fxsr", "cmov", "64bit"};
  EXPECT_TRUE(missingCpuFeatures(baseline).empty());
}

TEST(CpuFeatures, NamesWhatIsMissingInOrder) {
  std::string needed[] = {"zz-later", "sse2", "aa-later"};
  EXPECT_EQ(missingCpuFeatures(needed), (std::vector<std::string>{"zz-later", "aa-later"}));
}

TEST(CpuFeatures, AgreesWithTheKernel) {
  std::ifstream in("/proc/cpuinfo");
  std::string line;
  std::set<std::string> flags;
  while (std::getline(in, line) && flags.empty())
    if (line.rfind("flags", 0) == 0) {
      std::istringstream words(line.substr(line.find(':') + 1));
      for (std::string w; words >> w;) flags.insert(w);
    }
  if (flags.empty()) GTEST_SKIP() << "no /proc/cpuinfo";
  // Names that the kernel and LLVM spell alike; none that a kernel withdraws from processors with a defect,
  // as Linux does rdseed on AMD's Zen 5.
  for (std::string name :
       {"avx", "avx2", "fma", "f16c", "bmi2", "popcnt", "movbe", "aes", "ssse3", "avx512f", "avx512bw",
        "avx512dq", "avx512vl", "avx512cd", "avx512vbmi", "vaes", "gfni", "adx"}) {
    std::string needed[] = {name};
    EXPECT_EQ(missingCpuFeatures(needed).empty(), flags.count(name) == 1) << name;
  }
}

} // namespace
} // namespace drawloom
