// Passes on tile loops; Passes.td documents them.
#pragma once
#include "dialect/ir/Dialect.h"

namespace drawloom {

#define GEN_PASS_DECL
#include "passes/tiles/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/tiles/Passes.h.inc"

} // namespace drawloom
