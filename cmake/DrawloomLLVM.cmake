# Finds MLIR and LLVM and gives the helpers that our folders build with.
find_package(MLIR 22.1 REQUIRED CONFIG)
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
include(TableGen)
include(AddLLVM)
include(AddMLIR)
separate_arguments(DRAWLOOM_LLVM_DEFINITIONS NATIVE_COMMAND "${LLVM_DEFINITIONS}")

# drawloom_llvm_library(NAME sources... [DEPENDS targets...] [LINK libraries...])
# A static library whose sources see MLIR's headers through one shared precompiled header.
function(drawloom_llvm_library name)
  cmake_parse_arguments(A "" "" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${A_UNPARSED_ARGUMENTS})
  drawloom_use_llvm(${name})
  target_link_libraries(${name} PUBLIC ${A_LINK})
  if(A_DEPENDS)
    add_dependencies(${name} ${A_DEPENDS})
  endif()
endfunction()

# MLIR include paths, definitions, shared libraries and the precompiled header for a target.
function(drawloom_use_llvm name)
  target_include_directories(${name} SYSTEM PRIVATE ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
  target_compile_definitions(${name} PRIVATE ${DRAWLOOM_LLVM_DEFINITIONS})
  # Both shared libraries: naming MLIR alone leaves LLVM's symbols undefined.
  target_link_libraries(${name} PUBLIC MLIR LLVM)
  if(name STREQUAL DrawloomPch)
    target_precompile_headers(${name} PRIVATE ${PROJECT_SOURCE_DIR}/dialect/Pch.h)
  else()
    target_precompile_headers(${name} REUSE_FROM DrawloomPch)
  endif()
  # An executable is compiled like a library: the precompiled header is of use only to units of the same code model.
  get_target_property(type ${name} TYPE)
  if(type STREQUAL EXECUTABLE)
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${name} PRIVATE -fPIC)
  endif()
endfunction()
