list(APPEND DRAWLOOM_RUNTIME_SOURCES device/Gemm.cpp device/GemmRate.cpp device/GemmBlas.cpp device/GemmKernel.cpp device/Memory.cpp device/ResidentMemory.cpp device/ThreadPool.cpp)
