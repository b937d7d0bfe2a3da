// A Program's device that is this processor.
#pragma once
#include "runtime/device/ThreadPool.h"
#include "runtime/program/Executor.h"
#include "runtime/program/ProgramDevice.h"

namespace drawloom {

class CpuDevice final : public ProgramDevice {
public:
  /// Throws Error: 2 an impossible number of threads, 65 the processor lacks features that the code needs, 71
  /// the plan does not fit in memory.
  CpuDevice(const Artifact &artifact, const ProgramOptions &options);

  void run(size_t function) override;
  void runTimed(size_t function, std::span<CommandTiming> timings) override;
  double measure(size_t function) override;
  std::byte *host(const plan::Buffer &buffer) override { return memory.address(buffer); }
  void clear(plan::Arena arena) override { memory.clear(arena); }
  double denseGflops() override;

  DeviceKind kind() const override { return DeviceKind::Cpu; }
  std::string name() const override { return "CPU"; }
  int threads() const override { return pool.threads(); }
  uint64_t otherBytes() const override { return code.bytes() + scratch.bytes(); }
  uint64_t measuredBytes() const override;

private:
  uint64_t residentBefore; // anything was allocated
  ProgramMemory memory;
  Mapping code, scratch;
  ThreadPool pool;
  std::vector<Executable> executables;
};

} // namespace drawloom
