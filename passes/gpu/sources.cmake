# The target level of GPU kernels: what they are written with, and its lowering. Paths are relative to passes/.
set(LLVM_TARGET_DEFINITIONS gpu/Passes.td)
mlir_tablegen(gpu/Passes.h.inc -gen-pass-decls -name DrawloomGpu)
add_public_tablegen_target(DrawloomGpuPassesIncGen)
list(APPEND DRAWLOOM_PASS_DEPENDS DrawloomGpuPassesIncGen DrawloomGpuIncGen)
list(APPEND DRAWLOOM_PASS_SOURCES
  gpu/GpuBuilder.cpp gpu/TensorMaps.cpp gpu/LowerGpuOps.cpp gpu/AsmBuilder.cpp gpu/LowerProducts.cpp gpu/LowerFragments.cpp gpu/LowerCopies.cpp gpu/LowerBarriers.cpp
  gpu/LowerWords.cpp)
