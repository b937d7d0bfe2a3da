// The compiler's phases, as data: one list that drawloom-opt, codegen and the command line share.
#pragma once
#include "passes/Passes.h"
#include <functional>

namespace drawloom {

/// The machines that a pass of the pipeline is for.
enum class On { Any, Cpu, Gpu };

/// The choices that a spec and the command line leave open.
struct PipelineOptions {
  std::string recompute =
      "none";                 ///< none, elementwise, attention or block; or a list with one of these a layer
  std::string target = "cpu"; ///< what kernels are scheduled for: cpu, sm_90a or sm_80
  std::string precision = "fp32"; ///< of activations and their gradients: fp32, bf16 or fp16
  std::string dumpDirectory;      ///< if not empty, the module is written there after each phase, as
                                  ///< "1-graph.mlir" and so on
  bool productEpilogues = true;   ///< whether products of our own have row ops as epilogues (sm_90a, 16 bits)
  int64_t lanes = 16;             ///< f32 lanes of a vector in every kernel; results depend on it
  int64_t registers = 32; ///< vectors of so many lanes that the machine holds in registers: 32 with AVX-512,
                          ///< 8 with AVX2; results do not depend on it

  bool isGpu() const { return target != "cpu"; }
};

/// A pass as pipeline text. `$name` in it stands for an option of PipelineOptions; `$activations` is the
/// element type of its precision. It runs for its machines, and only if its choice, if it has one, is true.
struct PassText {
  PassText(const char *text, On machine = On::Any, bool PipelineOptions::*choice = nullptr)
      : text(text), machine(machine), choice(choice) {}
  llvm::StringRef text;
  On machine;
  bool PipelineOptions::*choice;
};

/// A phase: what it is called (for --stop-after and --dump-phases), its passes, and the pass that checks that
/// it is over (empty if the verifier of the IR says it all).
struct Phase {
  llvm::StringRef name;
  llvm::StringRef summary;
  std::vector<PassText> passes;
  llvm::StringRef verify;
};

/// All phases in order: graph, loops, memory, kernel.
llvm::ArrayRef<Phase> phases();

/// Adds the phases up to and including `stopAfter` (empty: all) to `pm`, which must run on modules;
/// `afterPhase`, if given, may add passes after each. Fails, having told `errors` why, for an unknown phase
/// or a pass that is not registered.
llvm::LogicalResult
buildPipeline(mlir::OpPassManager &pm, const PipelineOptions &options, llvm::StringRef stopAfter,
              llvm::raw_ostream &errors,
              const std::function<void(mlir::OpPassManager &, const Phase &)> &afterPhase = {});

/// Registers `drawloom-pipeline`, the phases as one pipeline for textual use.
void registerDrawloomPipeline();

} // namespace drawloom
