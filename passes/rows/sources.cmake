# Row operations to kernels. Paths are relative to passes/.
list(APPEND DRAWLOOM_PASS_SOURCES rows/VectorMath.cpp)
