// The plan of a compiled module and the `.loom` file around it (runtime/abi/Abi.h, runtime/schema/plan.fbs).
#pragma once
#include "codegen/CompileKernels.h"
#include "runtime/schema/plan_generated.h"

namespace drawloom {

/// The plan of `module` after drawloom-plan-memory: buffers, parameters, one command for each launch and
/// matmul. Segments are left empty. Failures have been reported as diagnostics at the op that has no place in
/// a plan.
mlir::FailureOr<plan::PlanT> buildPlan(mlir::ModuleOp module, const CompiledKernels &kernels,
                                       const Target &target);

/// Lays out a file: header, plan, code, and the cubin unless it is empty. Sets the plan's segments and hashes.
std::vector<std::byte> assembleArtifact(plan::PlanT &plan, const std::vector<std::byte> &code,
                                        const std::vector<std::byte> &cubin);

} // namespace drawloom
