// drawloom-gpu-check: every op and pattern on the device against float64. Needs no Python and, linked
// statically, no LLVM.
//
//   drawloom-gpu-check [--device=cuda|cpu] [--jobs=N] [--gtest_filter=…]
//
// With --jobs the cases are shared out to N processes; what they say is passed on as it comes, with a line
// for each group of cases that one of them has finished. The last line is "N passed, N failed"; the exit code
// is 0 if none failed.
#include "test/gpu/DeviceRun.h"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <poll.h>
#include <string>
#include <unistd.h>
#include <vector>

using namespace drawloom::test;

namespace {

/// What one process reports to its parent, a line each, behind this word.
constexpr const char *kCount = "@count", *kWorst = "@worst", *kGroup = "@group";

class Reporter : public testing::EmptyTestEventListener {
public:
  void OnTestSuiteEnd(const testing::TestSuite &suite) override {
    if (int cases = suite.test_to_run_count())
      printf("%s %d %lld %s\n", kGroup, cases, (long long)suite.elapsed_time(), suite.name());
  }
  void OnTestProgramEnd(const testing::UnitTest &all) override {
    printf("%s %d %d %d\n", kCount, all.successful_test_count(), all.failed_test_count(),
           all.skipped_test_count());
    forEachWorstError([](const std::string &what, const std::string &type, double error) {
      printf("%s %.17g %s|%s\n", kWorst, error, type.c_str(), what.c_str());
    });
  }
};

struct Totals {
  int passed = 0, failed = 0, skipped = 0;
  int reports = 0; // of processes that have ended

  /// Takes a process's line; false if it is for people.
  bool take(const char *line) {
    int p, f, s;
    long long milliseconds;
    double error;
    char text[256];
    if (sscanf(line, "@group %d %lld %255[^\n]", &p, &milliseconds, text) == 3) {
      printf("%s: %d cases in %.1f s\n", text, p, double(milliseconds) * 1e-3);
      return true;
    }
    if (sscanf(line, "@count %d %d %d", &p, &f, &s) == 3) {
      passed += p, failed += f, skipped += s, ++reports;
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

/// A process with its share of the cases.
struct Child {
  FILE *pipe = nullptr;
  bool open = true, reported = false;
  int failed = 0;
  std::string line; // what has come of the line that is being written

  void take(Totals &totals) {
    line += '\n';
    Totals before = totals;
    if (!totals.take(line.c_str())) fputs(line.c_str(), stdout);
    fflush(stdout);
    failed += totals.failed - before.failed;
    reported |= totals.reports > before.reports;
    line.clear();
  }
};

/// Waits until some process says something, and takes it. False when all have ended.
bool passOn(std::vector<Child> &children, Totals &totals) {
  std::vector<pollfd> waiting;
  for (Child &child : children)
    if (child.pipe && child.open) waiting.push_back({fileno(child.pipe), POLLIN, 0});
  if (waiting.empty() || poll(waiting.data(), waiting.size(), -1) < 0) return false;
  for (Child &child : children) {
    auto ready = [&](const pollfd &w) { return child.pipe && w.fd == fileno(child.pipe) && w.revents; };
    if (!std::any_of(waiting.begin(), waiting.end(), ready)) continue;
    char text[4096];
    ssize_t count = read(fileno(child.pipe), text, sizeof(text));
    for (ssize_t k = 0; k < count; ++k)
      if (text[k] == '\n')
        child.take(totals);
      else
        child.line += text[k];
    if (count > 0) continue;
    child.open = false;
    if (!child.line.empty()) child.take(totals);
  }
  return true;
}

/// Runs this program `jobs` times, each with its share of the cases.
int shareOut(int jobs, int argc, char **argv) {
  std::string command = "exec";
  for (int i = 0; i < argc; ++i)
    if (strncmp(argv[i], "--jobs", 6)) command += " '" + std::string(argv[i]) + "'";
  std::vector<Child> children(static_cast<size_t>(jobs));
  for (int job = 0; job < jobs; ++job) {
    std::string one = "GTEST_TOTAL_SHARDS=" + std::to_string(jobs) +
                      " GTEST_SHARD_INDEX=" + std::to_string(job) + " DRAWLOOM_CHECK_CHILD=1 " + command +
                      " --gtest_brief=1 2>&1";
    children[size_t(job)].pipe = popen(one.c_str(), "r");
  }
  Totals totals;
  while (passOn(children, totals)) {
  }
  for (Child &child : children) {
    if (!child.pipe || (pclose(child.pipe) != 0 && child.failed == 0) || !child.reported) {
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
    fprintf(stderr, "error: unknown device '%s'\nhint: --device=cuda or --device=cpu\n",
            deviceName().c_str());
    return 2;
  }
  if (jobs > 1) return shareOut(jobs, argc, argv);
  testing::InitGoogleTest(&argc, argv);
  if (getenv("DRAWLOOM_CHECK_CHILD")) {
    setvbuf(stdout, nullptr, _IOLBF, 0); // the parent passes lines on as they come
    testing::UnitTest::GetInstance()->listeners().Append(new Reporter);
  }
  int result = RUN_ALL_TESTS();
  if (!getenv("DRAWLOOM_CHECK_CHILD")) {
    const testing::UnitTest &all = *testing::UnitTest::GetInstance();
    printWorstErrors();
    printf("%d passed, %d failed, %d skipped\n", all.successful_test_count(), all.failed_test_count(),
           all.skipped_test_count());
  }
  return result;
}
