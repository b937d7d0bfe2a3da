# The target-level dialect. Paths are relative to dialect/.
set(LLVM_TARGET_DEFINITIONS gpu/GpuOps.td)
mlir_tablegen(gpu/GpuDialect.h.inc -gen-dialect-decls -dialect=drawloom_gpu)
mlir_tablegen(gpu/GpuDialect.cpp.inc -gen-dialect-defs -dialect=drawloom_gpu)
mlir_tablegen(gpu/GpuTypes.h.inc -gen-typedef-decls -typedefs-dialect=drawloom_gpu)
mlir_tablegen(gpu/GpuTypes.cpp.inc -gen-typedef-defs -typedefs-dialect=drawloom_gpu)
mlir_tablegen(gpu/GpuAttrs.h.inc -gen-attrdef-decls -attrdefs-dialect=drawloom_gpu)
mlir_tablegen(gpu/GpuAttrs.cpp.inc -gen-attrdef-defs -attrdefs-dialect=drawloom_gpu)
mlir_tablegen(gpu/GpuOps.h.inc -gen-op-decls)
mlir_tablegen(gpu/GpuOps.cpp.inc -gen-op-defs)
add_public_tablegen_target(DrawloomGpuIncGen)

drawloom_llvm_library(DrawloomGpuDialect
  gpu/Gpu.cpp gpu/GpuVerifiers.cpp
  DEPENDS DrawloomGpuIncGen)
