list(APPEND DRAWLOOM_RUNTIME_SOURCES sample/Choose.cpp sample/Utf8.cpp sample/Decoder.cpp sample/HeldOut.cpp sample/SampleCommand.cpp
  sample/SampleOutput.cpp sample/Sheet.cpp)
