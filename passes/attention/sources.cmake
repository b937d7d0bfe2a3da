# Attention to kernels of tile loops. Paths are relative to passes/.
set(LLVM_TARGET_DEFINITIONS attention/Passes.td)
mlir_tablegen(attention/Passes.h.inc -gen-pass-decls -name DrawloomAttention)
add_public_tablegen_target(DrawloomAttentionPassesIncGen)
list(APPEND DRAWLOOM_PASS_DEPENDS DrawloomAttentionPassesIncGen)
list(APPEND DRAWLOOM_PASS_SOURCES
  attention/LowerAttention.cpp attention/TileSizes.cpp attention/BlockTiles.cpp attention/ViewFacts.cpp attention/TileKernel.cpp attention/LookAhead.cpp attention/SliceTensor.cpp attention/DeltaSource.cpp attention/DeltaLaunches.cpp
  attention/LowerAttend.cpp attention/LowerAttendGrad.cpp attention/BackwardKernel.cpp attention/LowerDelta.cpp attention/LowerDecode.cpp
  attention/gpu/BatchOrder.cpp attention/gpu/SideTiles.cpp attention/gpu/GradientMath.cpp
  attention/gpu/RowDots.cpp attention/gpu/RowStatistics.cpp attention/gpu/TileStream.cpp attention/gpu/OwnerKernel.cpp
  attention/gpu/RelayPlan.cpp attention/gpu/RelayKernel.cpp attention/gpu/RelayClear.cpp attention/gpu/SlicePlan.cpp attention/gpu/SliceKernel.cpp
  attention/gpu/SliceCopies.cpp attention/gpu/BackwardPlan.cpp
  attention/gpu/WindowPlan.cpp attention/gpu/WindowKernel.cpp attention/gpu/WindowConsumer.cpp
  attention/gpu/BackwardLaunch.cpp attention/gpu/LowerOwners.cpp attention/gpu/LowerBackward.cpp attention/gpu/LowerDelta.cpp
  attention/gpu/ForwardPlan.cpp attention/gpu/FragmentSoftmax.cpp attention/gpu/ForwardKernel.cpp
  attention/gpu/ForwardConsumer.cpp attention/gpu/ForwardTile.cpp attention/gpu/ForwardOutputs.cpp attention/gpu/LowerForward.cpp)
