add_executable(drawloom-run tools/drawloom-run.cpp)
target_link_libraries(drawloom-run PRIVATE DrawloomRuntime CLI11::CLI11)
