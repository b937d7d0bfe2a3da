list(APPEND DRAWLOOM_RUNTIME_SOURCES data/Audio.cpp data/AudioLibraries.cpp data/Batches.cpp data/Cache.cpp data/DataSet.cpp
  data/Files.cpp data/Images.cpp data/Png.cpp data/Split.cpp data/Statistics.cpp data/Text.cpp)
