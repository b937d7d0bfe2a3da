# The relocatable bundle: drawloom with the compiler in it, drawloom-run, models, README.md, for machines without LLVM
# (glibc 2.36 or later, libstdc++ of GCC 12 or later).
#
#   ninja -C build/release bundle      # build/release/drawloom-VERSION-linux-x86_64/ and .tar.xz beside it
set(bundle drawloom-${PROJECT_VERSION}-linux-x86_64)
set(bundle_dir ${PROJECT_BINARY_DIR}/${bundle})

# drawloom_bundled(NAME): the target NAME-bundled, the executable NAME linked without shared LLVM.
function(drawloom_bundled name)
  get_target_property(folder ${name} SOURCE_DIR)
  get_target_property(sources ${name} SOURCES)
  list(TRANSFORM sources PREPEND ${folder}/)
  add_executable(${name}-bundled EXCLUDE_FROM_ALL ${sources})
  get_target_property(libraries ${name} LINK_LIBRARIES)
  if("DrawloomLLVM" IN_LIST libraries)
    list(REMOVE_ITEM libraries DrawloomLLVM)
    drawloom_use_llvm(${name}-bundled)
  endif()
  target_link_libraries(${name}-bundled PRIVATE ${libraries})
  # An rpath, not a runpath: it also holds for what our libraries need.
  target_link_options(${name}-bundled PRIVATE -Wl,--gc-sections -Wl,--icf=all -Wl,--disable-new-dtags)
  # Its file has the target's name until it is installed: a second file called NAME would take over ninja's alias NAME.
  set_target_properties(${name}-bundled PROPERTIES DRAWLOOM_STATIC_LLVM ON
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bundled INSTALL_RPATH "$ORIGIN/../lib" BUILD_WITH_INSTALL_RPATH ON)
endfunction()

drawloom_bundled(drawloom)
drawloom_bundled(drawloom-run)
drawloom_bundled(drawloom-gpu-check) # not packed: for those who work on kernels and have no LLVM where the card is

install(TARGETS drawloom-bundled drawloom-run-bundled
  RUNTIME_DEPENDENCIES
    PRE_EXCLUDE_REGEXES "^ld-linux" "^libc\\.so" "^libm\\.so" "^libdl\\.so" "^librt\\.so" "^libpthread\\.so" "^libstdc\\+\\+" "^libgcc_s"
  RUNTIME DESTINATION bin COMPONENT bundle EXCLUDE_FROM_ALL
  LIBRARY DESTINATION lib COMPONENT bundle EXCLUDE_FROM_ALL)
foreach(name drawloom drawloom-run)
  install(CODE "file(RENAME \"\${CMAKE_INSTALL_PREFIX}/bin/${name}-bundled\" \"\${CMAKE_INSTALL_PREFIX}/bin/${name}\")"
    COMPONENT bundle EXCLUDE_FROM_ALL)
endforeach()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/models DESTINATION . COMPONENT bundle EXCLUDE_FROM_ALL)
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION . COMPONENT bundle EXCLUDE_FROM_ALL)

add_custom_target(bundle
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${bundle_dir}
  COMMAND ${CMAKE_COMMAND} --install ${PROJECT_BINARY_DIR} --component bundle --strip --prefix ${bundle_dir}
  COMMAND ${CMAKE_COMMAND} -E env XZ_OPT=-9 tar -cJf ${bundle}.tar.xz ${bundle}
  WORKING_DIRECTORY ${PROJECT_BINARY_DIR} COMMENT "Packing ${bundle}.tar.xz" VERBATIM)
add_dependencies(bundle drawloom-bundled drawloom-run-bundled)
