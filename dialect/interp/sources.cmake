drawloom_llvm_library(DrawloomInterp
  interp/Tensor.cpp interp/Interpreter.cpp
  interp/RowOps.cpp interp/MatmulOps.cpp interp/AttentionOps.cpp interp/PieceOps.cpp interp/OptimizerOps.cpp
  interp/GradientCheck.cpp interp/TestRunner.cpp
  DEPENDS DrawloomDialectIncGen
  LINK DrawloomDialect DrawloomPattern)

# Runs .mlir tests in the interpreter by itself.
add_executable(drawloom-interp interp/drawloom-interp.cpp)
drawloom_use_llvm(drawloom-interp)
target_link_libraries(drawloom-interp PRIVATE DrawloomInterp)
