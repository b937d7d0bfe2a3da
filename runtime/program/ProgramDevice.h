// What a Program runs on: the memory of a plan's arenas and its functions, made ready. One implementation a
// kind of machine: program/CpuDevice.h and cuda/CudaDevice.h.
#pragma once
#include "runtime/artifact/Artifact.h"
#include "runtime/program/Program.h"

namespace drawloom {

class ProgramDevice {
public:
  virtual ~ProgramDevice() = default;

  /// Runs function number `function` of the plan and returns when its last command has ended. Host code sees
  /// the results in Io memory.
  virtual void run(size_t function) = 0;
  /// The same, timing each command; `timings` has an entry a command.
  virtual void runTimed(size_t function, std::span<CommandTiming> timings) = 0;
  /// The same, in seconds between the first command's start and the last one's end, as the device counts
  /// them.
  virtual double measure(size_t function) = 0;

  /// From one call with true to the next with false kernels' runs are recorded: then `spans` gets them, or
  /// `problem` why there are none.
  virtual void traceKernels(bool on, std::vector<KernelSpan> &spans, std::string &problem) {
    if (!on) spans.clear(), problem = "kernels of a CPU are commands";
  }

  /// Where host code sees a persistent buffer: the memory itself, or a copy that is as new as the last run
  /// (Io) or the last download (other arenas).
  virtual std::byte *host(const plan::Buffer &buffer) = 0;
  virtual void upload(plan::Arena) {}
  virtual void download(plan::Arena) {}
  /// Zeroes an arena.
  virtual void clear(plan::Arena arena) = 0;

  /// The rate of a large dense product in the types of the plan's own, measured now; 0: not known.
  virtual double denseGflops() = 0;

  virtual DeviceKind kind() const = 0;
  virtual std::string name() const = 0;
  virtual int threads() const = 0;
  /// Bytes of its memory that are in use beside the plan's arenas.
  virtual uint64_t otherBytes() const = 0;
  /// Bytes by which its free memory (on a CPU: what is not resident of this process) has shrunk since just
  /// before the plan's memory was allocated, whoever took them; 0: not known.
  virtual uint64_t measuredBytes() const { return 0; }
};

} // namespace drawloom
