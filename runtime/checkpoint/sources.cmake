list(APPEND DRAWLOOM_RUNTIME_SOURCES checkpoint/StrictJson.cpp checkpoint/Safetensors.cpp checkpoint/Checkpoint.cpp
  checkpoint/Weights.cpp)
