#include "runtime/train/Progress.h"
#include "runtime/train/PeakRate.h"
#include "test/train/FakeModel.h"
#include <numbers>

namespace drawloom::test {
namespace {

/// What Progress writes to a file, which is no terminal.
std::string written(const ProgressSetup &setup, const std::function<void(Progress &)> &use) {
  FILE *file = std::tmpfile();
  {
    Progress p(setup, file);
    use(p);
  }
  std::string out(size_t(std::ftell(file)), 0);
  std::rewind(file);
  out.resize(std::fread(out.data(), 1, out.size(), file));
  std::fclose(file);
  return out;
}

const ProgressSetup kSetup{.steps = 10, .tokensPerStep = 2000, .flopsPerStep = 5e9, .peakGflops = 20};
const StepResult kResult{.nll = 2 * std::numbers::ln2, .gradNorm = 0.5, .lr = 1e-3};

TEST(ProgressTest, TheFirstStepSaysEverything) {
  auto text = written(kSetup, [](Progress &p) { p.step(1, kResult, 0.5, -1); });
  EXPECT_EQ(text, "step 1/10  2.000 bits/byte  lr 1.00e-03  grad 0.5  500.0 ms  4.00 k tokens/s  50% of peak "
                  " 4.50 s left\n");
}

TEST(ProgressTest, ALineComesOnlyEveryFewSecondsAndAtTheEnd) {
  auto text = written(kSetup, [](Progress &p) {
    for (int64_t k = 1; k <= 10; ++k) p.step(k, kResult, 0.5, -1);
  });
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  EXPECT_NE(text.find("\nstep 10/10"), std::string::npos) << text;
}

TEST(ProgressTest, TheTimeBudgetBoundsTheTimeLeft) {
  auto text = written(kSetup, [](Progress &p) { p.step(1, kResult, 0.5, 2.0); });
  EXPECT_NE(text.find("2.00 s left"), std::string::npos) << text;
}

TEST(ProgressTest, QuietSaysNothing) {
  ProgressSetup quiet = kSetup;
  quiet.quiet = true;
  EXPECT_EQ(written(quiet,
                    [](Progress &p) {
                      p.step(1, kResult, 0.5, -1);
                      p.note("x");
                    }),
            "");
}

TEST(PeakRateTest, MoreThreadsAreNotSlower) {
  double one = measurePeakGflops(1);
  EXPECT_GT(one, 1);    // slower than any CPU that runs this code: it did not measure
  EXPECT_LT(one, 1000); // faster than any core: the loop was optimized away
  EXPECT_GT(measurePeakGflops(2), one * 0.8);
}

} // namespace
} // namespace drawloom::test
