// The pass that turns products with an epilogue into kernels; Passes.td documents it.
#pragma once
#include "dialect/gpu/Gpu.h"

namespace drawloom {

#define GEN_PASS_DECL
#include "passes/products/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/products/Passes.h.inc"

} // namespace drawloom
