#include "runtime/program/CpuDevice.h"
#include "runtime/artifact/CpuFeatures.h"
#include "runtime/device/GemmRate.h"
#include "runtime/device/ResidentMemory.h"
#include "runtime/support/Clock.h"
#include <algorithm>
#include <fmt/ranges.h>

namespace drawloom {

static constexpr int kMaxThreads = 128; // OpenBLAS has buffers for so many callers at once

/// The artifact, if this processor has what its code needs.
static const Artifact &requireFeatures(const Artifact &artifact) {
  std::vector<std::string> needed;
  if (artifact.plan().cpu_features())
    for (auto *f : *artifact.plan().cpu_features()) needed.push_back(f->str());
  auto missing = missingCpuFeatures(needed);
  if (!missing.empty())
    failWithHint(kBadInput, "compile the model again on this machine, or with --target for its processor",
                 "{}: compiled for a processor with {}, which this one does not have", artifact.name(),
                 fmt::join(missing, ", "));
  return artifact;
}

static int threadCount(const ProgramOptions &options) {
  if (options.threads < 0 || options.threads > kMaxThreads)
    fail(kUsage, "expected 1 to {} threads (0: one a core), got {}", kMaxThreads, options.threads);
  return options.threads ? options.threads : std::min(availableCores(), kMaxThreads);
}

CpuDevice::CpuDevice(const Artifact &artifact, const ProgramOptions &options)
    : residentBefore(residentMemory()), memory(requireFeatures(artifact)),
      code(Mapping::executable(artifact.code())), pool(threadCount(options)) {
  auto &plan = artifact.plan();
  uint64_t floats = 0;
  for (uint32_t i = 0; plan.functions() && i < plan.functions()->size(); ++i) {
    executables.emplace_back(plan, *plan.functions()->Get(i), memory, code.data());
    floats = std::max(floats, executables.back().scratchFloats());
  }
  scratch = Mapping::zeroed(floats * sizeof(float));
}

void CpuDevice::run(size_t function) {
  requireKernelStack();
  DefaultFloatMode mode;
  executables.at(function).run(pool, reinterpret_cast<float *>(scratch.data()));
}

void CpuDevice::runTimed(size_t function, std::span<CommandTiming> timings) {
  requireKernelStack();
  DefaultFloatMode mode;
  executables.at(function).runTimed(pool, reinterpret_cast<float *>(scratch.data()), timings);
}

double CpuDevice::measure(size_t function) {
  Stopwatch watch;
  run(function);
  return watch.seconds();
}

uint64_t CpuDevice::measuredBytes() const {
  uint64_t now = residentMemory();
  return now - std::min(now, residentBefore);
}

double CpuDevice::denseGflops() { return measureGemmGflops(pool); }

} // namespace drawloom
