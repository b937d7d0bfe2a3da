// Passes on GPU kernels; Passes.td documents them.
#pragma once
#include "dialect/Pch.h"

namespace drawloom {

#define GEN_PASS_DECL
#include "codegen/nvptx/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "codegen/nvptx/Passes.h.inc"

} // namespace drawloom
