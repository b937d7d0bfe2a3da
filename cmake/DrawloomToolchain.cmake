# Compiler settings shared by every target: warnings, sanitizers, ccache.
option(DRAWLOOM_WERROR "treat warnings as errors" OFF)
set(DRAWLOOM_SANITIZE "" CACHE STRING "sanitizers for our own code, e.g. address,undefined,fuzzer-no-link (the coverage that fuzzing follows)")

add_compile_options(-Wall -Wextra -Wno-unused-parameter -fno-math-errno -ffp-contract=off)
if(DRAWLOOM_WERROR)
  add_compile_options(-Werror)
endif()
if(DRAWLOOM_SANITIZE)
  # What is found ends the program: a test that goes on after undefined behaviour would pass.
  add_compile_options(-fsanitize=${DRAWLOOM_SANITIZE} -fno-omit-frame-pointer -fno-sanitize=vptr -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${DRAWLOOM_SANITIZE})
endif()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # The slopiness settings let ccache keep objects that were built through a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} ${CCACHE})
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
    add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
  endif()
endif()
