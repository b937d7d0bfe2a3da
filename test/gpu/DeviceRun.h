// Compiles a module for the device that the checks are for, and runs it between zones on poisoned memory.
#pragma once
#include "codegen/Compiler.h"
#include "dialect/interp/Tensor.h"
#include "runtime/program/Program.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <map>
#include <memory>

namespace drawloom::test {

/// "cuda" unless the command line says --device=cpu.
const std::string &deviceName();
void setDeviceName(std::string name);
/// The target of that device: its best level on a CPU, the card's architecture on CUDA.
Target deviceTarget();

class DeviceRun {
public:
  /// Null, with a test failure, if the module does not compile.
  static std::unique_ptr<DeviceRun> make(mlir::ModuleOp module, CompileOptions options = {});
  static std::unique_ptr<DeviceRun> make(const std::string &module, CompileOptions options = {});

  /// Converts to the buffer's element type (16-bit types: round to nearest even). Unknown names are left out: an argument without a use.
  void put(const std::string &name, const Tensor &tensor);
  Tensor get(const std::string &name) const;
  std::vector<std::byte> bits(const std::string &name) const;
  plan::DType dtype(const std::string &name) const { return program->buffer(name).dtype; }

  /// Poisons what `put` has not written (all bits one: NaN in every float type), runs, and expects intact zones.
  void run(const std::string &function);

private:
  DeviceRun() = default;
  std::unique_ptr<Program> program;
  std::vector<std::string> zones, others; ///< others: every buffer that is no zone
  std::map<std::string, std::vector<std::byte>> inputs;
};

/// The value that an element type holds for `x`.
double roundTo(plan::DType type, double x);

/// The largest error seen for each (what, type), printed when the checks end.
void noteError(const std::string &what, const std::string &type, double error);
void forEachWorstError(llvm::function_ref<void(const std::string &what, const std::string &type, double error)> visit);
void printWorstErrors();

} // namespace drawloom::test
