// The compiler's phases, as data: one list that drawloom-opt, codegen and the command line share.
#pragma once
#include "passes/Passes.h"
#include <functional>

namespace drawloom {

/// A phase: what it is called (for --stop-after and --dump-phases), its passes as pipeline text, and the pass
/// that checks that it is over (empty if the verifier of the IR says it all). `$name` in a pass stands for an
/// option of PipelineOptions.
struct Phase {
  llvm::StringRef name;
  llvm::StringRef summary;
  std::vector<llvm::StringRef> passes;
  llvm::StringRef verify;
};

/// All phases in order: graph, loops, memory, kernel.
llvm::ArrayRef<Phase> phases();

/// The choices that a spec and the command line leave open.
struct PipelineOptions {
  std::string recompute = "none"; ///< none, attention or block
  std::string dumpDirectory;      ///< if not empty, the module is written there after each phase, as
                                  ///< "1-graph.mlir" and so on
  int64_t lanes = 16;             ///< f32 lanes of a vector in every kernel; results depend on it
  int64_t registers = 32; ///< vectors of so many lanes that the machine holds in registers: 32 with AVX-512,
                          ///< 8 with AVX2; results do not depend on it
};

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
