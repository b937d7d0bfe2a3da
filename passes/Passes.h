// The compiler's passes on the graph and on memory; Passes.td documents them.
#pragma once
#include "dialect/ir/Dialect.h"

namespace drawloom {

#define GEN_PASS_DECL
#include "passes/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/Passes.h.inc"

/// Registers the dialects that our passes read and make.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Registers these passes and those of the sub-folders, so that pipelines can name them. May be called more
/// than once.
void registerAllPasses();

} // namespace drawloom
