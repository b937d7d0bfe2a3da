#include "runtime/program/Trace.h"
#include <algorithm>
#include <nlohmann/json.hpp>

namespace drawloom {

using Json = nlohmann::ordered_json;

static Json eventOf(const CommandTiming &t, uint64_t origin) {
  double seconds = double(t.lastNanoseconds) * 1e-9;
  Json arguments{{"action", t.action}, {"flops", t.flops}, {"bytes", t.bytes}};
  if (seconds > 0 && t.flops) arguments["gflops"] = double(t.flops) / seconds * 1e-9;
  if (seconds > 0 && t.bytes) arguments["gb_per_second"] = double(t.bytes) / seconds * 1e-9;
  return {{"name", t.label.empty() ? t.action : t.label},
          {"ph", "X"}, // a complete event: start and length in microseconds
          {"pid", 0},
          {"tid", 0},
          {"ts", double(t.lastStart - origin) * 1e-3},
          {"dur", double(t.lastNanoseconds) * 1e-3},
          {"args", std::move(arguments)}};
}

static Json eventOf(const KernelSpan &k, uint64_t origin) {
  return {
      {"name", k.name},
      {"ph", "X"},
      {"pid", 2},
      {"tid", k.stream},
      {"ts", double(k.start - origin) * 1e-3},
      {"dur", double(k.nanoseconds) * 1e-3},
      {"args",
       {{"grid", k.grid}, {"block", k.block}, {"registers", k.registers}, {"shared_bytes", k.sharedBytes}}}};
}

static Json nameOfProcess(int id, const std::string &name) {
  return {{"name", "process_name"}, {"ph", "M"}, {"pid", id}, {"args", {{"name", name}}}};
}

std::string chromeTrace(const Program &program, const std::vector<std::string> &functions,
                        const std::vector<PhaseSpan> &phases) {
  uint64_t origin = UINT64_MAX;
  for (const PhaseSpan &p : phases) origin = std::min(origin, p.start);
  for (const std::string &f : functions)
    for (const CommandTiming &t : program.timings(f))
      if (t.calls) origin = std::min(origin, t.lastStart);
  for (const KernelSpan &k : program.kernelSpans()) origin = std::min(origin, k.start);
  Json events = Json::array();
  events.push_back(nameOfProcess(0, program.deviceName()));
  if (!phases.empty()) events.push_back(nameOfProcess(1, "start"));
  for (const PhaseSpan &p : phases)
    events.push_back({{"name", p.name},
                      {"ph", "X"},
                      {"pid", 1},
                      {"tid", p.thread},
                      {"ts", double(p.start - origin) * 1e-3},
                      {"dur", double(p.nanoseconds) * 1e-3}});
  for (const std::string &f : functions) {
    uint64_t begin = UINT64_MAX, end = 0;
    size_t first = events.size();
    for (const CommandTiming &t : program.timings(f)) {
      if (!t.calls) continue;
      begin = std::min(begin, t.lastStart), end = std::max(end, t.lastStart + t.lastNanoseconds);
      events.push_back(eventOf(t, origin));
    }
    if (events.size() > first) // the function around its commands
      events.push_back({{"name", f},
                        {"ph", "X"},
                        {"pid", 0},
                        {"tid", 0},
                        {"ts", double(begin - origin) * 1e-3},
                        {"dur", double(end - begin) * 1e-3}});
  }
  if (!program.kernelSpans().empty()) events.push_back(nameOfProcess(2, "kernels"));
  for (const KernelSpan &k : program.kernelSpans()) events.push_back(eventOf(k, origin));
  Json trace{{"traceEvents", events}, {"displayTimeUnit", "ms"}};
  if (const std::string &problem = program.kernelTraceProblem(); !problem.empty())
    trace["otherData"] = {{"kernels", "none: " + problem}};
  return trace.dump() + "\n";
}

} // namespace drawloom
