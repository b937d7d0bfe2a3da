// drawloom-opt: runs passes and phases on .mlir files. `drawloom-opt --help` lists our passes.
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "codegen/LowerToLLVM.h"
#include "codegen/nvptx/Passes.h"
#include "passes/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  drawloom::registerAllDialects(registry);
  drawloom::registerLoweringDialects(registry);
  drawloom::registerAllPasses();
  drawloom::registerDrawloomNvptxPasses();
  drawloom::registerLowerToNvvmPipeline();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Drawloom's optimizer driver: patterns, graphs, loops\n", registry));
}
