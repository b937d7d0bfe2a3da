// A resolved spec to a module of graph ops: @loss, @evaluate, @decode and @update of ARCHITECTURE.md
// section 1.
#pragma once
#include "frontend/build/Network.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace drawloom {

/// Builds and verifies the module; op locations point into the spec. The context needs the drawloom and func
/// dialects (registerCompiler gives them). Throws Error(kInternal) if the module does not verify.
mlir::OwningOpRef<mlir::ModuleOp> buildModel(mlir::MLIRContext &context, const spec::Spec &spec);

/// A module with the one function @attention(q, k, v) -> out and, for `backward`, @attention_grad(dout, q, k,
/// v, out, lse) -> dq, dk, dv: what `drawloom bench attention` compiles. Shapes: q, k [B, n, qk]; v [B, n,
/// dv].
struct AttentionCase {
  std::string pattern; // canonical
  int64_t batch = 1, n = 0, heads = 1, qk = 0, dv = 0;
};
mlir::OwningOpRef<mlir::ModuleOp> buildAttention(mlir::MLIRContext &context, const AttentionCase &shape);

} // namespace drawloom
