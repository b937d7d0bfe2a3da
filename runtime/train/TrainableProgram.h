// What training, evaluation and sampling need of a compiled model. Program is one; tests have a small
// analytic one.
#pragma once
#include "runtime/program/Program.h"
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace drawloom {

class TrainableProgram {
public:
  virtual ~TrainableProgram() = default;
  /// Resolved spec, JSON (runtime/train/TrainSpec.h reads it).
  virtual std::string specJson() const = 0;
  virtual bool hasFunction(std::string_view function) const = 0;
  /// "gradient", "update", "evaluate", "decode": see ARCHITECTURE.md.
  virtual void run(std::string_view function) = 0;
  /// A persistent buffer (names in runtime/abi/Abi.h). Throws Error(kBadInput) for an unknown name.
  virtual BufferRef buffer(std::string_view name) = 0;
  /// In the order of the plan, which is the order of Philox sites and of checkpoints.
  virtual const std::vector<ParameterRef> &parameters() const = 0;
  /// Zeroes an arena's buffers, also on a card. State is what decode keeps between positions (the caches of
  /// keys and values).
  virtual void clear(plan::Arena arena) = 0;
  /// On a card, parameters() are copies: download brings one arena's up to date, upload makes the card take
  /// over what the host wrote. On a CPU they are the memory itself.
  virtual void upload(plan::Arena) {}
  virtual void download(plan::Arena) {}
  /// Useful floating-point operations of one run of a function; 0 when not known.
  virtual uint64_t functionFlops(std::string_view function) const = 0;
  virtual int threads() const = 0;
  /// "CPU", or a card's name.
  virtual std::string deviceName() const { return "CPU"; }
  /// The rate that shares of peak refer to, GFLOP/s, measured now: on a CPU that of multiply-adds in
  /// registers, on a card that of a large product.
  virtual double measurePeakGflops();
  /// Bytes of the device's memory that are in use; 0: not known.
  virtual uint64_t memoryBytes() const { return 0; }
  /// Bytes by which the device's free memory has shrunk since the program was loaded; 0: not known.
  virtual uint64_t measuredMemoryBytes() const { return 0; }
  /// While on, the commands of functions are timed; trace() gives the last run's times as a Chrome trace.
  virtual void setProfiling(bool) {}
  virtual std::string trace(const std::vector<std::string> &) const { return {}; }
  /// The memory plan for people; may be empty.
  virtual std::string memoryReport() const = 0;

  /// The elements of a buffer. Throws Error(kBadInput) when its element type or number of elements is
  /// another.
  template <class T> std::span<T> view(std::string_view name, uint64_t elements) {
    BufferRef b = buffer(name);
    require(b.dtype == dtypeOf<T>() && b.bytes >= elements * sizeof(T), kBadInput,
            "buffer '{}' of the artifact does not hold the {} elements that its spec calls for", name,
            elements);
    return {reinterpret_cast<T *>(b.data), elements};
  }
};

/// A Program as a TrainableProgram. The Program must outlive it.
class ProgramAdapter final : public TrainableProgram {
public:
  explicit ProgramAdapter(Program &program) : program(program) {}
  std::string specJson() const override { return std::string(program.specJson()); }
  bool hasFunction(std::string_view function) const override { return program.hasFunction(function); }
  void run(std::string_view function) override { program.run(function); }
  BufferRef buffer(std::string_view name) override { return program.buffer(name); }
  const std::vector<ParameterRef> &parameters() const override { return program.parameters(); }
  void clear(plan::Arena arena) override { program.clear(arena); }
  void upload(plan::Arena arena) override { program.upload(arena); }
  void download(plan::Arena arena) override { program.download(arena); }
  uint64_t functionFlops(std::string_view function) const override { return program.functionFlops(function); }
  int threads() const override { return program.threads(); }
  std::string deviceName() const override { return program.deviceName(); }
  double measurePeakGflops() override;
  uint64_t memoryBytes() const override { return program.plannedBytes(); }
  uint64_t measuredMemoryBytes() const override { return program.measuredBytes(); }
  void setProfiling(bool on) override { program.setProfiling(on), program.traceKernels(on); }
  std::string trace(const std::vector<std::string> &functions) const override;
  std::string memoryReport() const override { return program.memoryReport(); }

private:
  Program &program;
};

} // namespace drawloom
