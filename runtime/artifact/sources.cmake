list(APPEND DRAWLOOM_RUNTIME_SOURCES artifact/Artifact.cpp artifact/CpuFeatures.cpp artifact/Verify.cpp
  artifact/VerifyBuffers.cpp artifact/VerifyFunctions.cpp artifact/VerifyKernels.cpp artifact/VerifyParameters.cpp)
