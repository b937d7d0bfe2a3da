list(APPEND DRAWLOOM_RUNTIME_SOURCES cuda/BlasLt.cpp cuda/Card.cpp cuda/CudaDevice.cpp cuda/CudaExecutable.cpp cuda/Cupti.cpp cuda/Diagnose.cpp cuda/Driver.cpp cuda/EarlyStart.cpp
  cuda/Launch.cpp cuda/LibrarySearch.cpp cuda/Memory.cpp cuda/Module.cpp cuda/Noise.cpp cuda/Products.cpp cuda/TuningCache.cpp)
