// Lowering a fusion of a weight's gradient and its bias's: two launches.
#pragma once
#include "passes/rows/FusionKernel.h"

namespace drawloom::products {

/// Method::WeightGrad: makes partial sums, and adds them up. `cut`: warp groups, columns and stages, if
/// given.
mlir::LogicalResult lowerWeightGrad(FusionOp fusion, rows::LoweringContext &context,
                                    llvm::ArrayRef<int64_t> cut);

} // namespace drawloom::products
