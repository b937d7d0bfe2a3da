list(APPEND DRAWLOOM_RUNTIME_SOURCES program/Executor.cpp program/Memory.cpp program/Program.cpp)
