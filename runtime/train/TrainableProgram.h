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
  /// Zeroes what decode keeps between positions (the caches of keys and values).
  virtual void clearState() = 0;
  /// Useful floating-point operations of one run of a function; 0 when not known.
  virtual uint64_t functionFlops(std::string_view function) const = 0;
  virtual int threads() const = 0;
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
  void clearState() override;
  uint64_t functionFlops(std::string_view function) const override { return program.functionFlops(function); }
  int threads() const override { return program.threads(); }
  std::string memoryReport() const override { return program.memoryReport(); }

private:
  Program &program;
};

} // namespace drawloom
