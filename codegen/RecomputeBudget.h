// memory.recompute = "auto": the cheapest choice of what to recompute that fits a memory budget
// (docs/design/recompute-budget.md).
#pragma once
#include "mlir/IR/BuiltinOps.h"
#include "passes/Pipelines.h"
#include <string>
#include <vector>

namespace drawloom {

/// What recomputing was chosen for each layer, and what it comes to. FLOPs are those of one run of @gradient.
struct RecomputeChoice {
  std::vector<std::string> modes; ///< "none", "attention" or "block", one a layer
  int64_t budget = 0;             ///< bytes
  int64_t bytes = 0;              ///< of all arenas together
  int64_t savedBytes = 0;         ///< compared with recomputing nothing
  double flops = 0, addedFlops = 0;
  unsigned plans = 0; ///< memory plans that were made to find it

  /// "block,block,none": what PipelineOptions::recompute takes.
  std::string pipelineOption() const;
  /// "layers 0-11 block, 12 attention, 13-29 nothing: 1.94 GiB of a budget of 2.00 GiB; ...".
  std::string describe() const;
};

/// Chooses for `model`, a module with @loss that no pass has run on yet and that stays as it is. `options`
/// are those that it will be compiled with, but for `recompute`. The memory planner judges: the graph, loops
/// and memory phases run on clones. Throws Error(kBadInput) that names the smallest budget when `budget`
/// bytes cannot be met. Failures of passes have been reported as diagnostics.
mlir::FailureOr<RecomputeChoice> chooseRecompute(mlir::ModuleOp model, PipelineOptions options,
                                                 int64_t budget);

} // namespace drawloom
