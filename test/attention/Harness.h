// Compiles the attention ops of one function and runs its launches on buffers with red zones.
#pragma once
#include "codegen/CompileKernels.h"
#include "dialect/ir/Dialect.h"
#include "runtime/abi/Abi.h"
#include <functional>
#include <memory>
#include <random>

namespace drawloom::test {

/// Memory between two red zones, poisoned with NaN.
class Buffer {
public:
  explicit Buffer(size_t bytes);
  void *data() const { return memory.get() + kRedZone; }
  float *floats() const { return static_cast<float *>(data()); }
  size_t bytes() const { return size; }
  /// Whether the red zones are as they were made.
  bool isIntact() const;

private:
  static constexpr size_t kRedZone = 4096;
  struct Free {
    void operator()(std::byte *p) const { std::free(p); }
  };
  std::unique_ptr<std::byte, Free> memory;
  size_t size;
};

struct Options {
  std::string lowering = ""; ///< options of drawloom-lower-attention
  std::string vectors = "";  ///< options of drawloom-vectorize-tiles
  std::string tiles = "";    ///< the pass that lowers tile ops, if it is another one
  std::string target = "native";
  int optLevel = 2;
  bool verifyEach = false; ///< in the code generator
};

/// A function `@main` of a module, compiled.
class Compiled {
public:
  /// Runs split-pieces and the attention passes, then the code generator. Null (with a test failure) if that fails.
  static std::unique_ptr<Compiled> make(const std::string &module, const Options &options = {});
  ~Compiled();

  /// Calls with one buffer an argument; returns one a result (poisoned before). `parts` cuts every launch's work items into that many
  /// calls, performed last to first. A test failure if a red zone was written.
  std::vector<std::vector<float>> run(const std::vector<std::vector<float>> &arguments, int parts = 1);
  /// As run, for arguments that are not f32.
  std::vector<std::vector<float>> runBytes(const std::vector<std::vector<std::byte>> &arguments, int parts = 1);

  /// Processor seconds of each launch, least of several runs, with its label.
  struct Timing {
    std::string label;
    int64_t flops, grid;
    double seconds;
  };
  std::vector<Timing> time(int repetitions);

  int64_t launches();

private:
  Compiled() = default;
  struct Place;
  struct Execution;
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  mlir::OwningOpRef<mlir::ModuleOp> module;
  void *image = nullptr;
  size_t imageBytes = 0;
  std::map<std::string, abi::KernelFn> kernels;
};

std::vector<float> randomVector(size_t size, std::mt19937 &generator, float range = 1.0f);

} // namespace drawloom::test
