# The pattern algebra. It depends on MLIR's affine expressions and Presburger library only.
drawloom_llvm_library(DrawloomPattern
  pattern/Syntax.cpp
  pattern/Parser.cpp
  pattern/Pattern.cpp
  pattern/Linear.cpp
  pattern/Formula.cpp
  pattern/Conditions.cpp
  pattern/Cells.cpp
  pattern/Coordinates.cpp
  pattern/CellView.cpp
  pattern/Views.cpp
  pattern/ViewQuery.cpp
  pattern/VerifyView.cpp
  pattern/CountUnion.cpp
  pattern/Count.cpp
  pattern/Tiles.cpp
  pattern/Connectivity.cpp)
