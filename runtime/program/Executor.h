// A function of a plan made ready to run on the processor: addresses resolved, GEMMs cut, nothing left to
// decide.
#pragma once
#include "runtime/abi/Abi.h"
#include "runtime/device/Gemm.h"
#include "runtime/program/Memory.h"
#include "runtime/program/Program.h"
#include <variant>
#include <vector>

namespace drawloom {

class ThreadPool;

class Executable {
public:
  /// `function` belongs to the verified `plan`, whose code segment is mapped at `code`; all outlive the
  /// executable.
  Executable(const plan::Plan &plan, const plan::Function &function, const ProgramMemory &memory,
             const std::byte *code);

  /// `scratch` has scratchFloats() floats, 64-aligned; functions that do not run at once may share it.
  void run(ThreadPool &pool, float *scratch) const;
  /// Runs and adds every command's time to `timings`, which has an entry a command.
  void runTimed(ThreadPool &pool, float *scratch, std::span<CommandTiming> timings) const;
  uint64_t scratchFloats() const { return scratch; }

private:
  struct Launch {
    abi::KernelFn kernel;
    size_t places, scalars; // where they begin in the vectors below
    uint64_t grid;
    bool parallel;
  };
  struct Product {
    GemmArguments arguments;
    GemmPlan plan;
  };
  struct Zero {
    std::byte *begin;
    uint64_t bytes;
  };
  using Command = std::variant<Launch, Product, Zero>;

  Command prepare(const plan::Plan &plan, const plan::Function &function, const plan::Command &command,
                  const ProgramMemory &memory, const std::byte *code);
  void execute(const Command &command, ThreadPool &pool, float *scratch) const;

  std::vector<Command> commands;
  std::vector<void *> places;
  std::vector<int64_t> scalars;
  uint64_t scratch = 0;
};

} // namespace drawloom
