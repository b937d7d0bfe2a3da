// drawloom-gpu-check: every op and pattern on the device against float64. Needs no Python and, linked statically, no LLVM.
//
//   drawloom-gpu-check [--device=cuda|cpu] [--jobs=N] [--gtest_filter=…]
//
// With --jobs the cases are shared out to N processes. The last line is "N passed, N failed"; the exit code is 0 if none failed.
#include "test/gpu/DeviceRun.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <vector>

using namespace drawloom::test;

namespace {

/// What one process reports to its parent, a line each, behind this word.
constexpr const char *kCount = "@count", *kWorst = "@worst";

class Reporter : public testing::EmptyTestEventListener {
public:
  void OnTestProgramEnd(const testing::UnitTest &all) override {
    printf("%s %d %d %d\n", kCount, all.successful_test_count(), all.failed_test_count(), all.skipped_test_count());
    forEachWorstError([](const std::string &what, const std::string &type, double error) {
      printf("%s %.17g %s|%s\n", kWorst, error, type.c_str(), what.c_str());
    });
  }
};

struct Totals {
  int passed = 0, failed = 0, skipped = 0;

  /// Takes a process's line; false if it is for people.
  bool take(const char *line) {
    int p, f, s;
    double error;
    char text[256];
    if (sscanf(line, "@count %d %d %d", &p, &f, &s) == 3) {
      passed += p, failed += f, skipped += s;
      return true;
    }
    if (sscanf(line, "@worst %lg %255[^\n]", &error, text) == 2) {
      char *bar = strchr(text, '|');
      if (bar) noteError(bar + 1, std::string(text, bar), error);
      return true;
    }
    return false;
  }
};

/// Runs this program `jobs` times, each with its share of the cases.
int shareOut(int jobs, int argc, char **argv) {
  std::string command = "exec";
  for (int i = 0; i < argc; ++i)
    if (strncmp(argv[i], "--jobs", 6)) command += " '" + std::string(argv[i]) + "'";
  std::vector<FILE *> pipes;
  for (int job = 0; job < jobs; ++job) {
    std::string one = "GTEST_TOTAL_SHARDS=" + std::to_string(jobs) + " GTEST_SHARD_INDEX=" + std::to_string(job) + " DRAWLOOM_CHECK_CHILD=1 " + command + " --gtest_brief=1 2>&1";
    pipes.push_back(popen(one.c_str(), "r"));
  }
  Totals totals;
  for (FILE *pipe : pipes) {
    char line[4096];
    Totals before = totals;
    while (pipe && fgets(line, sizeof(line), pipe))
      if (!totals.take(line)) fputs(line, stdout);
    bool counted = totals.passed + totals.failed + totals.skipped > before.passed + before.failed + before.skipped;
    if (!pipe || (pclose(pipe) != 0 && totals.failed == before.failed) || !counted) {
      printf("a process ended without a report\n");
      ++totals.failed;
    }
  }
  printWorstErrors();
  printf("%d passed, %d failed, %d skipped\n", totals.passed, totals.failed, totals.skipped);
  return totals.failed ? 1 : 0;
}

} // namespace

int main(int argc, char **argv) {
  int jobs = 1;
  for (int i = 1; i < argc; ++i) {
    if (!strncmp(argv[i], "--device=", 9)) setDeviceName(argv[i] + 9);
    if (!strncmp(argv[i], "--jobs=", 7)) jobs = atoi(argv[i] + 7);
  }
  if (deviceName() != "cpu" && deviceName() != "cuda") {
    fprintf(stderr, "error: unknown device '%s'\nhint: --device=cuda or --device=cpu\n", deviceName().c_str());
    return 2;
  }
  if (jobs > 1) return shareOut(jobs, argc, argv);
  testing::InitGoogleTest(&argc, argv);
  if (getenv("DRAWLOOM_CHECK_CHILD")) testing::UnitTest::GetInstance()->listeners().Append(new Reporter);
  int result = RUN_ALL_TESTS();
  if (!getenv("DRAWLOOM_CHECK_CHILD")) {
    const testing::UnitTest &all = *testing::UnitTest::GetInstance();
    printWorstErrors();
    printf("%d passed, %d failed, %d skipped\n", all.successful_test_count(), all.failed_test_count(), all.skipped_test_count());
  }
  return result;
}
