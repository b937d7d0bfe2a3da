list(APPEND DRAWLOOM_RUNTIME_SOURCES program/CpuDevice.cpp program/Executor.cpp program/Memory.cpp program/Program.cpp program/Trace.cpp)
