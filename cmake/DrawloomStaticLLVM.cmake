# DrawloomLLVM: what our libraries link of MLIR and LLVM. The shared libraries, unless the executable has the property DRAWLOOM_STATIC_LLVM:
# then DrawloomLLVMStatic, the archives, so that it runs where no LLVM is installed. The objects are the same for both.
add_library(DrawloomLLVM INTERFACE)
# Both shared libraries: naming MLIR alone leaves LLVM's symbols undefined.
target_link_libraries(DrawloomLLVM INTERFACE
  $<IF:$<BOOL:$<TARGET_PROPERTY:DRAWLOOM_STATIC_LLVM>>,DrawloomLLVMStatic,MLIR$<SEMICOLON>LLVM>)

# Debian's archives of MLIR name the shared LLVM and MLIR as what they need, and LLVMSupport names libz3.so: linked as they are, they
# give a program with two LLVMs in it.
get_property(mlir_archives GLOBAL PROPERTY MLIR_ALL_LIBS)
foreach(archive IN LISTS mlir_archives)
  if(TARGET ${archive})
    get_target_property(needed ${archive} INTERFACE_LINK_LIBRARIES)
    if(needed)
      list(REMOVE_ITEM needed LLVM MLIR "\$<LINK_ONLY:LLVM>" "\$<LINK_ONLY:MLIR>")
      set_target_properties(${archive} PROPERTIES INTERFACE_LINK_LIBRARIES "${needed}")
    endif()
  endif()
endforeach()
find_library(DRAWLOOM_ZLIB_ARCHIVE libz.a)
find_library(DRAWLOOM_ZSTD_ARCHIVE libzstd.a)
set_target_properties(LLVMSupport PROPERTIES
  INTERFACE_LINK_LIBRARIES "rt;dl;m;${DRAWLOOM_ZLIB_ARCHIVE};${DRAWLOOM_ZSTD_ARCHIVE};LLVMDemangle")

add_library(DrawloomLLVMStatic INTERFACE)
target_link_libraries(DrawloomLLVMStatic INTERFACE
  MLIRAffineDialect MLIRAffineToStandard MLIRArithDialect MLIRArithToLLVM MLIRControlFlowDialect MLIRControlFlowToLLVM
  MLIRFuncDialect MLIRFuncToLLVM MLIRGPUDialect MLIRGPUToNVVMTransforms MLIRIndexToLLVM MLIRLLVMDialect MLIRNVVMDialect
  MLIRMathDialect MLIRMathToLLVM MLIRMemRefDialect MLIRMemRefTransforms MLIRMemRefToLLVM MLIRNVVMToLLVM MLIRParser MLIRPass
  MLIRPresburger MLIRReconcileUnrealizedCasts MLIRSCFDialect MLIRSCFToControlFlow MLIRTransforms MLIRUBDialect MLIRUBToLLVM
  MLIRVectorDialect MLIRVectorToLLVMPass MLIRVectorToSCF MLIRBuiltinToLLVMIRTranslation MLIRLLVMToLLVMIRTranslation
  MLIRNVVMToLLVMIRTranslation MLIRTargetLLVMIRExport
  LLVMNVPTXCodeGen LLVMNVPTXDesc LLVMNVPTXInfo LLVMX86CodeGen LLVMX86Desc LLVMX86Info LLVMPasses LLVMAsmParser LLVMBitReader
  LLVMBitWriter LLVMLinker LLVMipo LLVMFrontendOpenMP LLVMFrontendOffloading)
