// From a module of graph ops to the bytes of a `.loom` artifact: the phases of ARCHITECTURE.md in order.
#pragma once
#include "codegen/RecomputeBudget.h"
#include "codegen/Target.h"
#include "codegen/nvptx/PtxasReport.h"
#include "mlir/IR/BuiltinOps.h"
#include "runtime/schema/plan_generated.h"
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace drawloom {

/// Cuts of kernels by what they compute, both as text (passes/Choices.h).
using Tuning = std::map<std::string, std::string>;

/// A kernel's cuts that fit, of which a tuning may choose.
struct KernelChoice {
  std::string problem;
  std::vector<std::string> cuts; ///< the cost model's comes first
  size_t chosen;
};

struct CompileOptions {
  Target target = Target::native();
  std::string recompute = "none"; ///< "none", "attention" or "block" (paper section 5.4), one of these a
                                  ///< layer as "block,none,…", or "auto": chosen to fit `memoryBudget`
  int64_t memoryBudget = 0;       ///< bytes of all arenas together
  std::string precision = "fp32"; ///< of activations and their gradients: "fp32", "bf16" or "fp16"
  std::string
      stopAfter; ///< a phase ("graph", "loops", "memory", "kernel"): stop there, the module holds its IR
  std::string dumpPhases;  ///< a folder that gets the IR after each phase ("1-graph.mlir", ...); empty: none
  int optLevel = 2;        ///< of LLVM's optimizer and code generator, 0 to 3
  unsigned threads = 0;    ///< that generate code; 0: one a core
  bool verifyEach = false; ///< run MLIR's verifier after every pass
  std::optional<Tuning> tuning; ///< what kernels' cuts are; with one, even if it is empty, the report says
                                ///< which choices there were
  bool cache = true;            ///< keep what ptxas makes on disk, and read it from there
  std::function<void(const plan::PlanT &)> planned; ///< gets the plan as planModule gives it before kernels
                                                    ///< become code, which takes most of the time
};

/// Where the compile time went, in the order of the work.
struct CompileReport {
  std::vector<std::pair<std::string, double>> milliseconds;
  size_t kernels = 0, codeBytes = 0;
  size_t cubinBytes = 0;                    ///< GPU: 0 if no ptxas was there
  std::vector<KernelResources> resources;   ///< GPU: what each kernel takes of a multiprocessor, if known
  std::optional<RecomputeChoice> recompute; ///< with recompute = "auto"
  std::vector<KernelChoice> choices;        ///< with a tuning
};

/// Compiles `module` (changing it) to an artifact. Empty if `options.stopAfter` stopped it. Failures have
/// been reported as MLIR diagnostics; a memory budget that cannot be met is an Error(kBadInput). The module
/// holds any set of pure functions; besides those of ARCHITECTURE.md section 1 a function may have arguments
/// and results without `drawloom.name`, which become io buffers "arg0", "result0", ... Module attributes:
/// `drawloom.spec` (the resolved spec as JSON, default
/// "{}") and `drawloom.spec_source` (TOML text).
mlir::FailureOr<std::vector<std::byte>>
compileToArtifact(mlir::ModuleOp module, const CompileOptions &options, CompileReport *report = nullptr);

/// The plan of `module` (changing it) without machine code, which takes most of the time of compiling: its
/// functions, buffers and memory; of kernels only the names, and no segments. `options.stopAfter` is not
/// used.
mlir::FailureOr<plan::PlanT> planModule(mlir::ModuleOp module, CompileOptions options);

/// Adds every dialect that the compiler may meet or make, and what lowering them needs, to the registry of a
/// context. (To write an artifact: writeFileAtomically of runtime/support/File.h.)
void registerCompiler(mlir::DialectRegistry &registry);

} // namespace drawloom
