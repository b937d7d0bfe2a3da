// A loaded, verified, executable artifact: the runtime's embedding interface. Several Programs may live in
// one process; calls on one Program must come from one thread at a time.
#pragma once
#include "runtime/schema/plan_generated.h"
#include "runtime/support/Error.h"
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace drawloom {

namespace cuda {
struct Driver;
struct BlasLt;
} // namespace cuda

/// A persistent buffer, as host code sees it. `data` stays valid and at the same address while the Program
/// lives. Buffers in arena Constants are read-only memory. On a card, `data` is a copy: buffers of Io follow
/// each run by themselves, all others move with Program::upload and download.
struct BufferRef {
  std::byte *data = nullptr;
  uint64_t bytes = 0; // product of shape times the element size
  plan::DType dtype = plan::DType::F32;
  std::vector<uint64_t> shape;
};

/// A trainable parameter and what belongs to it. Every span that is present has the same number of elements;
/// absent ones (an artifact without training, a run without moving average) are empty. Memory starts as
/// zeros: initializing is the caller's work.
struct ParameterRef {
  std::string name; // safetensors name, "layers.0.qkv.weight"
  std::span<float> value, gradient, moment1, moment2, ema;
  std::vector<uint64_t> shape;
  plan::Init init = plan::Init::Zeros;
  double stddev = 0; // of init Normal
  bool decay = false;
};

enum class DeviceKind { Cpu, Cuda };
/// "cpu" or "cuda", and back; throws Error(kUsage) for another word.
const char *nameOf(DeviceKind kind);
DeviceKind deviceNamed(std::string_view name);

struct ProgramOptions {
  int threads = 0;                       // on a CPU; 0: one a core that this process may use; at most 128
  std::optional<DeviceKind> device = {}; // absent: the one that the artifact is compiled for
  const cuda::Driver *driver = nullptr;  // instead of the machine's; outlives the Program
  const cuda::BlasLt *blasLt = nullptr;  // likewise
};

/// What one command of a function has cost since profiling began. Times are wall-clock nanoseconds.
struct CommandTiming {
  std::string_view label;  // the op it came from; not unique
  std::string_view action; // "gemm", "zero", or the kernel's name
  uint64_t calls = 0;
  uint64_t nanoseconds = 0;                    // over all calls
  uint64_t lastStart = 0, lastNanoseconds = 0; // of the last call; start as in runtime/support/Clock.h (on a
                                               // card: the device's clock, from when the host began)
  uint64_t flops = 0, bytes = 0;               // of one call
};

/// A kernel's run on a card; start as in runtime/support/Clock.h.
struct KernelSpan {
  std::string name;
  uint64_t start = 0, nanoseconds = 0;
  uint32_t stream = 0, registers = 0; ///< registers: of a thread
  uint64_t sharedBytes = 0;           ///< of a block
  std::array<int32_t, 3> grid{}, block{};
};

class Program {
public:
  /// Maps, verifies and makes executable the artifact at `path`, on the device that it is compiled for.
  /// Throws Error: 66 no such file, 65 not a valid artifact or one for another device or processor, 71 the
  /// plan does not fit in memory, 74 unreadable, 1 the device is not there.
  static std::unique_ptr<Program> load(const std::string &path, const ProgramOptions &options = {});
  /// The same for an artifact in memory; `name` stands for the file in messages.
  static std::unique_ptr<Program> fromBytes(std::vector<std::byte> artifact,
                                            const ProgramOptions &options = {},
                                            std::string name = "artifact");
  ~Program();
  Program(const Program &) = delete;
  Program &operator=(const Program &) = delete;

  bool hasFunction(std::string_view function) const;
  /// Runs a function's commands in order and returns when the last has ended. Results have the same bits for
  /// any number of threads. Throws Error(kUsage) for an unknown function.
  void run(std::string_view function);
  /// The same; the seconds that the device's work took, without copies of Io memory.
  double measure(std::string_view function);

  /// Copies all buffers of an arena from what host code sees to the device, or back. Nothing on a CPU, where
  /// both are the same memory. Host code calls upload after it has written to Parameters, Gradients,
  /// Optimizer or State, and download before it reads them.
  void upload(plan::Arena arena);
  void download(plan::Arena arena);
  /// Zeroes an arena, for the host and on the device.
  void clear(plan::Arena arena);

  bool hasBuffer(std::string_view name) const;
  /// Throws Error(kBadInput) when the artifact has no persistent buffer of that name.
  BufferRef buffer(std::string_view name) const;
  /// The elements of a buffer. Throws Error(kBadInput) when its element type is another.
  template <class T> std::span<T> view(std::string_view name) const;

  const std::vector<ParameterRef> &parameters() const;

  const plan::Plan &plan() const;
  /// The resolved spec as JSON, as the compiler wrote it.
  std::string_view specJson() const;
  DeviceKind device() const;
  /// "CPU", or the card's name.
  std::string deviceName() const;
  /// Threads of the host that share the work; 1 on a card.
  int threads() const;
  /// GFLOP/s of a large dense product on the device, in the types of the plan's own, measured now (tens of
  /// milliseconds); 0 when it is not known.
  double denseGflops();

  /// Planned bytes of one kind of memory, and of all kinds but State together with what products need (a few
  /// MiB) and, on a CPU, code: what loading has allocated on the device. Running allocates nothing but State,
  /// once, when the first function that uses it runs; so it is also the peak of a training run.
  uint64_t arenaBytes(plan::Arena arena) const;
  uint64_t plannedBytes() const;
  /// Bytes by which a card's free memory has shrunk, or this process's resident memory has grown, since just
  /// before this program was loaded: with no other user, what the program really takes, libraries included.
  /// On a CPU pages count once they have been touched: ask after a step.
  uint64_t measuredBytes() const;
  /// The memory plan for people: bytes by kind of memory and the largest buffers, several lines.
  std::string memoryReport() const;
  /// Sums over a function's commands: useful floating-point operations, and bytes that must move at least.
  uint64_t functionFlops(std::string_view function) const;
  uint64_t functionBytes(std::string_view function) const;

  /// While on, every command is timed: about 50 ns a command; a card gets its commands one by one.
  void setProfiling(bool on);
  void clearTimings();
  /// While on, each kernel's run on a card is recorded, by CUPTI.
  void traceKernels(bool on);
  /// What was recorded when it was on last; why nothing was, if so.
  const std::vector<KernelSpan> &kernelSpans() const;
  const std::string &kernelTraceProblem() const;
  /// One entry a command, in the order of execution.
  std::vector<CommandTiming> timings(std::string_view function) const;
  /// The same, summed over commands with equal label and action; `flops` and `bytes` are then of one run of
  /// the function.
  std::vector<CommandTiming> timingsByLabel(std::string_view function) const;

private:
  struct Impl;
  explicit Program(std::unique_ptr<Impl> impl);
  std::span<std::byte> typedBytes(std::string_view name, plan::DType dtype) const;
  std::unique_ptr<Impl> impl;
};

/// The plan's element type for a C++ type.
template <class T> constexpr plan::DType dtypeOf();
template <> constexpr plan::DType dtypeOf<float>() { return plan::DType::F32; }
template <> constexpr plan::DType dtypeOf<double>() { return plan::DType::F64; }
template <> constexpr plan::DType dtypeOf<int32_t>() { return plan::DType::I32; }
template <> constexpr plan::DType dtypeOf<int64_t>() { return plan::DType::I64; }
template <> constexpr plan::DType dtypeOf<uint8_t>() { return plan::DType::U8; }

template <class T> std::span<T> Program::view(std::string_view name) const {
  auto bytes = typedBytes(name, dtypeOf<T>());
  return {reinterpret_cast<T *>(bytes.data()), bytes.size() / sizeof(T)};
}

} // namespace drawloom
