list(APPEND DRAWLOOM_RUNTIME_SOURCES device/Gemm.cpp device/Memory.cpp device/ThreadPool.cpp)
