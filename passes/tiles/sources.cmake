# Tile loops: edge tiles, vectors. Paths are relative to passes/.
set(LLVM_TARGET_DEFINITIONS tiles/Passes.td)
mlir_tablegen(tiles/Passes.h.inc -gen-pass-decls -name DrawloomTile)
add_public_tablegen_target(DrawloomTilePassesIncGen)
list(APPEND DRAWLOOM_PASS_DEPENDS DrawloomTilePassesIncGen)
list(APPEND DRAWLOOM_PASS_SOURCES
  tiles/SplitEdgeTiles.cpp tiles/VectorizeTiles.cpp tiles/Emitter.cpp tiles/Blocks.cpp
  tiles/LowerTransfer.cpp tiles/LowerPrefetch.cpp tiles/LowerMatmul.cpp tiles/LowerSoftmax.cpp tiles/LowerMask.cpp tiles/AffineVectors.cpp tiles/Membership.cpp
  tiles/DistributeTiles.cpp tiles/Accesses.cpp tiles/SharedMemory.cpp tiles/Barriers.cpp tiles/BlockEmitter.cpp tiles/ThreadBlocks.cpp
  tiles/DistributeTransfer.cpp tiles/DistributeMatmul.cpp tiles/DistributeSoftmax.cpp tiles/DistributeMask.cpp)
