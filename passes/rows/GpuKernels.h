// Row lowering on a GPU where it differs from a CPU's by more than the schedule of a fusion.
#pragma once
#include "passes/rows/FusionKernel.h"

namespace drawloom::rows {

/// sumPartials in one launch, which is marked with kSumsAttr.
mlir::FailureOr<llvm::SmallVector<mlir::Value>> sumPartialsOnGpu(LoweringContext &context, mlir::OpBuilder &b,
                                                                 mlir::Location loc,
                                                                 llvm::ArrayRef<PartialSum> sums,
                                                                 llvm::StringRef label);
inline constexpr llvm::StringLiteral kSumsAttr = "drawloom.sums";
/// When all else is lowered: joins launches that sumPartialsOnGpu has made, here or in another pass, where
/// their sums only leave the block.
mlir::LogicalResult shareSums(mlir::ModuleOp module, LoweringContext &context);

mlir::LogicalResult lowerEmbedGradOnGpu(EmbedGradOp op, LoweringContext &context);
mlir::LogicalResult lowerGlobalNormOnGpu(GlobalNormOp op, LoweringContext &context);

/// Lowers all fusions of a module; fusions that do the same to many tensors of a function's arguments (an
/// optimizer's step, working copies of parameters) share launches.
mlir::LogicalResult lowerFusionsOnGpu(mlir::ModuleOp module, LoweringContext &context);

/// Turns `add`s of something and a sum over rows, where an op that `isLowered` makes it, into sums on top of
/// it (LoweringContext::sumInits).
void foldAddsIntoSums(mlir::ModuleOp module, LoweringContext &context,
                      llvm::function_ref<bool(mlir::Operation *)> isLowered);

} // namespace drawloom::rows
