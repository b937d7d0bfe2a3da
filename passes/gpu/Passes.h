// The pass from the target-level ops to the LLVM dialect; Passes.td documents it.
#pragma once
#include "dialect/gpu/Gpu.h"

namespace drawloom {

#define GEN_PASS_DECL
#include "passes/gpu/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/gpu/Passes.h.inc"

} // namespace drawloom
