// A function of a plan made ready to run on a card: captured once as a CUDA graph and replayed.
#pragma once
#include "runtime/cuda/Launch.h"
#include "runtime/cuda/Products.h"
#include "runtime/program/Program.h"
#include <variant>

namespace drawloom::cuda {

class CudaExecutable {
public:
  /// All references outlive the executable. `products` may be null for a function without matrix products.
  CudaExecutable(const plan::Plan &plan, const plan::Function &function, const Card &card,
                 const CudaMemory &memory, const Module &module, Products *products);
  ~CudaExecutable();
  CudaExecutable(const CudaExecutable &) = delete;
  CudaExecutable &operator=(const CudaExecutable &) = delete;

  /// Enqueues the function's work. The first call captures it.
  void start();
  /// Runs command by command, waits, and adds each command's time to `timings`, which has an entry a command.
  void runTimed(std::span<CommandTiming> timings);
  /// Runs command by command and waits after each, so that a failure names its command.
  void runStepwise();

  /// What host code may see of the function's work.
  const std::vector<ByteRange> &ioRanges() const { return io; }

private:
  struct Zero {
    DevicePointer begin;
    uint64_t bytes;
  };
  using Command = std::variant<Launch, Product, Zero>;
  Command prepare(const plan::Plan &plan, const plan::Command &command, const CudaMemory &memory,
                  const Module &module) const;
  void enqueue(const Command &command) const;
  void capture();

  const plan::Function &function;
  const Card &card;
  Products *products;
  std::vector<Command> commands;
  std::vector<ByteRange> io;
  std::vector<Event> events; // one more than commands, made when first needed
  GraphExecHandle graph = nullptr;
};

} // namespace drawloom::cuda
