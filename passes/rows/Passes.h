// The pass that turns row operations into kernels; Passes.td documents it.
#pragma once
#include "dialect/ir/Dialect.h"

namespace drawloom {

#define GEN_PASS_DECL
#include "passes/rows/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/rows/Passes.h.inc"

} // namespace drawloom
