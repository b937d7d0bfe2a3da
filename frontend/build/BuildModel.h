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

/// What `drawloom bench attention` compiles: @attention(q, k, v) -> out, lse and @attention_grad(dout, q, k,
/// v, out, lse) -> dq, dk, dv, each for `copies` independent sets of operands ("q.0", "q.1", …), so that what
/// one set leaves in a cache is of no use to the next. Shapes: q, k [B, n, qk]; v, out [B, n, dv] in
/// `precision` ("fp32", "bf16", "fp16"); lse [B, H, n] in f32. Buffers are in the State arena.
struct AttentionCase {
  std::string pattern; // canonical
  int64_t batch = 1, n = 0, heads = 1, qk = 0, dv = 0;
  std::string precision = "fp32";
  int64_t copies = 1;
};
mlir::OwningOpRef<mlir::ModuleOp> buildAttention(mlir::MLIRContext &context, const AttentionCase &shape);

} // namespace drawloom
