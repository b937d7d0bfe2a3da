// Which deltas are launches of their own: for a pass that has another place for them.
#pragma once
#include "passes/attention/Lowering.h"

namespace drawloom::attention {

/// Foresees what drawloom-lower-attention does with the attention_deltas of a module for `target`.
class DeltaLaunches {
public:
  DeltaLaunches(mlir::ModuleOp module, llvm::StringRef target);

  /// Whether some kernel of warp groups has this delta from memory: the first of them that needs it does not
  /// make it itself. False for all that other kernels read.
  bool isLaunch(AttentionDeltaOp delta);

private:
  rows::KernelLibrary kernels; ///< stays empty
  Context context;
};

} // namespace drawloom::attention
