# Products with an epilogue. Paths are relative to passes/.
set(LLVM_TARGET_DEFINITIONS products/Passes.td)
mlir_tablegen(products/Passes.h.inc -gen-pass-decls -name DrawloomProducts)
add_public_tablegen_target(DrawloomProductsPassesIncGen)
list(APPEND DRAWLOOM_PASS_DEPENDS DrawloomProductsPassesIncGen)
list(APPEND DRAWLOOM_PASS_SOURCES
  products/FragmentRows.cpp products/HeadSums.cpp products/LowerProducts.cpp products/ProductCopies.cpp
  products/ProductKernel.cpp products/ProductPlan.cpp products/ProductRules.cpp products/ProductTiles.cpp
  products/RowProductKernel.cpp products/RowProductLowering.cpp products/RowProductPlan.cpp
  products/WeightGradKernel.cpp products/WeightGradLowering.cpp products/WeightGradPlan.cpp
  products/WeightGradTotals.cpp)
