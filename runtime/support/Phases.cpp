#include "runtime/support/Phases.h"
#include "runtime/support/Clock.h"
#include <algorithm>
#include <ctime>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <sstream>
#include <thread>
#include <unistd.h>

namespace drawloom {

namespace {
struct Record {
  std::mutex mutex;
  std::vector<PhaseSpan> spans;
  std::map<std::thread::id, int> threads;
};
Record &record() {
  static Record *all = new Record; // outlives the phases of other static objects
  return *all;
}
} // namespace

PhaseTimer::PhaseTimer(std::string n) : name(std::move(n)), start(monotonicNanoseconds()), range(name) {}

void PhaseTimer::end() {
  if (name.empty()) return;
  range.end();
  uint64_t now = monotonicNanoseconds();
  Record &r = record();
  std::lock_guard lock(r.mutex);
  int thread = r.threads.emplace(std::this_thread::get_id(), int(r.threads.size())).first->second;
  if (r.spans.size() < kMostPhases) r.spans.push_back({std::move(name), start, now - start, thread});
  name.clear();
}

uint64_t processStart() {
  uint64_t now = monotonicNanoseconds();
  // The 22nd field, in ticks since the system started; the second one may hold anything, but ends in ')'.
  std::ifstream file("/proc/self/stat");
  std::string text(std::istreambuf_iterator<char>(file), {});
  std::istringstream fields(text.substr(std::min(text.rfind(')'), text.size())));
  std::string skipped;
  for (int k = 2; k < 22; ++k) fields >> skipped;
  uint64_t ticks = 0;
  timespec boot{};
  if (!(fields >> ticks) || clock_gettime(CLOCK_BOOTTIME, &boot) != 0) return now;
  uint64_t sinceBoot = uint64_t(boot.tv_sec) * 1'000'000'000u + uint64_t(boot.tv_nsec);
  uint64_t started = ticks * (1'000'000'000u / uint64_t(sysconf(_SC_CLK_TCK)));
  uint64_t age = sinceBoot - std::min(started, sinceBoot);
  return now - std::min(age, now);
}

std::vector<PhaseSpan> phasesSoFar() {
  std::vector<PhaseSpan> spans;
  {
    std::lock_guard lock(record().mutex);
    spans = record().spans;
  }
  std::ranges::stable_sort(spans, {}, &PhaseSpan::start);
  if (spans.empty()) return spans;
  if (uint64_t first = spans[0].start, began = processStart(); began < first)
    spans.insert(spans.begin(), {"process", began, first - began, spans[0].thread});
  return spans;
}

} // namespace drawloom
