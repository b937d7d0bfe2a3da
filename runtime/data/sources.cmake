list(APPEND DRAWLOOM_RUNTIME_SOURCES data/Text.cpp data/Split.cpp data/Batches.cpp)
