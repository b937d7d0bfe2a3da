// The pass that turns attention into kernels of tile loops; Passes.td documents it.
#pragma once
#include "dialect/ir/Dialect.h"

namespace drawloom {

#define GEN_PASS_DECL
#include "passes/attention/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/attention/Passes.h.inc"

} // namespace drawloom
