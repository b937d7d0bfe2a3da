// Row lowering's entry points: each replaces one op by launches.
#pragma once
#include "passes/rows/KernelLibrary.h"
#include "passes/rows/RowOps.h"

namespace drawloom::rows {

/// What the lowerings share while a module is lowered.
struct LoweringContext {
  LoweringContext(mlir::ModuleOp module, int64_t lanes) : kernels(module), lanes(lanes) {}

  KernelLibrary kernels;
  int64_t lanes;
  /// For a fusion's kernel: an operand (or -1) whose memory each result may take over (memory/Layout.h
  /// kReuseAttr).
  llvm::DenseMap<mlir::Attribute, llvm::SmallVector<int64_t>> reuse;
  int64_t launches = 0;
};

/// What makes a launch, apart from its kernel.
struct LaunchSpec {
  mlir::Location loc;
  mlir::TypeRange results;
  mlir::ValueRange operands;
  mlir::SymbolRefAttr kernel;
  int64_t grid;
  llvm::ArrayRef<int64_t> scalars = {};
  llvm::ArrayRef<int64_t> inplace = {}; ///< empty: no result is tied
  llvm::StringRef label;
  int64_t flops = 0;
};

/// Creates the launch; `bytes` is what its operands and results hold.
LaunchOp createLaunch(LoweringContext &context, mlir::OpBuilder &b, const LaunchSpec &spec);

/// The `drawloom.label` of an op, or of the first op in its region that has one, or else the name of the
/// (first) op.
llvm::StringRef labelOf(mlir::Operation *op);

/// Puts a lone row op into a fusion.
FusionOp wrapInFusion(mlir::Operation *op);

mlir::LogicalResult lowerFusion(FusionOp fusion, LoweringContext &context);
mlir::LogicalResult lowerEmbedGrad(EmbedGradOp op, LoweringContext &context);
mlir::LogicalResult lowerGlobalNorm(GlobalNormOp op, LoweringContext &context);

/// Sums a [items, width] tensor of partial sums over the items, in order and in double precision, adding
/// `init` (over which the result is written) if given.
mlir::FailureOr<mlir::Value> sumPartials(LoweringContext &context, mlir::OpBuilder &b, mlir::Location loc,
                                         mlir::Value partials, mlir::Value init,
                                         mlir::RankedTensorType result, llvm::StringRef label);

} // namespace drawloom::rows
