// Which row ops of a block go into one fusion.
#pragma once
#include "dialect/ir/Dialect.h"

namespace drawloom {

/// The ops of `block` (without its terminator) in groups, each group in program order, the groups in an order
/// in which no group needs a result of a later one. Ops that are not fused are groups of one.
std::vector<std::vector<mlir::Operation *>> findFusionGroups(mlir::Block &block);

} // namespace drawloom
