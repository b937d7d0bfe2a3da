drawloom_llvm_library(DrawloomDialect
  ir/Dialect.cpp ir/Attributes.cpp
  ir/GraphVerifiers.cpp ir/AttentionVerifiers.cpp ir/RegionVerifiers.cpp ir/TileVerifiers.cpp
  ir/Gradients.cpp ir/SegmentGradient.cpp ir/ReverseMode.cpp
  DEPENDS DrawloomDialectIncGen
  LINK DrawloomPattern)
