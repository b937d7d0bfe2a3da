// How long each function of an artifact takes, and each of its commands, on numbers drawn at random: for
// people who tune kernels.
//
//   drawloom-plan-bench [--repeats=N] FILE.loom...
//
// Times are the device's own, medians over the repeats. What a function works on should be more than any
// cache holds.
#include "runtime/cuda/Noise.h"
#include "runtime/program/Program.h"
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <map>

using namespace drawloom;

namespace {

void fill(Program &program) {
  uint64_t seed = 1;
  for (auto *described : *program.plan().buffers()) {
    BufferRef buffer = program.buffer(described->name()->str());
    bool isFloat = buffer.dtype == plan::DType::F32 || buffer.dtype == plan::DType::BF16 ||
                   buffer.dtype == plan::DType::F16;
    if (!isFloat || described->arena() == plan::Arena::Constants) continue;
    uint64_t count = 1;
    for (uint64_t extent : buffer.shape) count *= extent;
    auto numbers = cuda::noise(buffer.dtype, count, seed++);
    std::memcpy(buffer.data, numbers.data(), buffer.bytes);
  }
  for (plan::Arena arena :
       {plan::Arena::Parameters, plan::Arena::Gradients, plan::Arena::Optimizer, plan::Arena::State})
    program.upload(arena);
}

void time(Program &program, const std::string &function, int repeats) {
  std::vector<double> seconds;
  program.run(function);
  for (int k = 0; k < repeats; ++k) seconds.push_back(program.measure(function));
  std::sort(seconds.begin(), seconds.end());
  fmt::print("{:10} {:9.1f} us  ({:.1f} to {:.1f})\n", function, seconds[seconds.size() / 2] * 1e6,
             seconds.front() * 1e6, seconds.back() * 1e6);
  program.clearTimings();
  program.setProfiling(true);
  for (int k = 0; k < 3; ++k) program.run(function);
  program.setProfiling(false);
  std::map<std::string, std::pair<double, double>> actions; // seconds a call, bytes
  for (const CommandTiming &t : program.timings(function)) {
    auto &[time, bytes] = actions[std::string(t.action)];
    if (t.calls) time += double(t.nanoseconds) / double(t.calls);
    bytes += double(t.bytes);
  }
  for (auto &[action, cost] : actions)
    fmt::print("    {:60} {:9.1f} us {:6.2f} TB/s\n", action, cost.first * 1e-3,
               cost.second / cost.first * 1e-3);
}

} // namespace

int main(int argc, char **argv) {
  int repeats = 20;
  try {
    for (int i = 1; i < argc; ++i) {
      if (!std::strncmp(argv[i], "--repeats=", 10))
        repeats = std::atoi(argv[i] + 10);
      else {
        auto program = Program::load(argv[i]);
        fill(*program);
        fmt::print("{}\n", argv[i]);
        for (auto *function : *program->plan().functions()) time(*program, function->name()->str(), repeats);
      }
    }
  } catch (const Error &e) {
    fmt::print(stderr, "error: {}\n", e.text());
    return e.exitCode;
  }
}
