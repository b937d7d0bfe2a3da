# Row operations to kernels. Paths are relative to passes/.
set(LLVM_TARGET_DEFINITIONS rows/Passes.td)
mlir_tablegen(rows/Passes.h.inc -gen-pass-decls -name DrawloomRows)
add_public_tablegen_target(DrawloomRowsPassesIncGen)
list(APPEND DRAWLOOM_PASS_DEPENDS DrawloomRowsPassesIncGen)
list(APPEND DRAWLOOM_PASS_SOURCES
  rows/ColumnKernels.cpp
  rows/EmbedGrad.cpp
  rows/FoldAdds.cpp
  rows/FusionBatch.cpp
  rows/FusionKernel.cpp
  rows/FusionPlan.cpp
  rows/GlobalNorm.cpp
  rows/GpuBlock.cpp
  rows/GpuEmbedGrad.cpp
  rows/GpuNorm.cpp
  rows/GpuSums.cpp
  rows/IndexBuilder.cpp
  rows/KernelLibrary.cpp
  rows/LowerRows.cpp
  rows/NormOps.cpp
  rows/PhiloxVector.cpp
  rows/RowEmitter.cpp
  rows/RowMath.cpp
  rows/RowOps.cpp
  rows/RowProgram.cpp
  rows/SharedSums.cpp
  rows/TeamEmitter.cpp
  rows/TeamShape.cpp
  rows/TeamSums.cpp
  rows/TeamTiles.cpp
  rows/TensorTable.cpp
  rows/UpdateOps.cpp
  rows/VectorMath.cpp)
