# Row operations to kernels. Paths are relative to passes/.
set(LLVM_TARGET_DEFINITIONS rows/Passes.td)
mlir_tablegen(rows/Passes.h.inc -gen-pass-decls -name DrawloomRows)
add_public_tablegen_target(DrawloomRowsPassesIncGen)
list(APPEND DRAWLOOM_PASS_DEPENDS DrawloomRowsPassesIncGen)
list(APPEND DRAWLOOM_PASS_SOURCES
  rows/ColumnKernels.cpp
  rows/EmbedGrad.cpp
  rows/FusionKernel.cpp
  rows/GlobalNorm.cpp
  rows/KernelLibrary.cpp
  rows/LowerRows.cpp
  rows/NormOps.cpp
  rows/PhiloxVector.cpp
  rows/RowEmitter.cpp
  rows/RowOps.cpp
  rows/RowProgram.cpp
  rows/UpdateOps.cpp
  rows/VectorMath.cpp)
