# The pattern algebra. It depends on MLIR's affine expressions and Presburger library only.
drawloom_llvm_library(DrawloomPattern
  pattern/Syntax.cpp
  pattern/Parser.cpp
  pattern/Pattern.cpp)
