drawloom_llvm_library(DrawloomInterp
  interp/Tensor.cpp interp/Interpreter.cpp
  interp/RowOps.cpp interp/MatmulOps.cpp interp/AttentionOps.cpp interp/PieceOps.cpp interp/OptimizerOps.cpp
  DEPENDS DrawloomDialectIncGen
  LINK DrawloomDialect DrawloomPattern)
