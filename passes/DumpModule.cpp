// drawloom-dump-module: writes the module to a file.
#include "mlir/Support/FileUtilities.h"
#include "passes/Passes.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_DUMPMODULE
#include "passes/Passes.h.inc"

namespace {

struct DumpModule : impl::DumpModuleBase<DumpModule> {
  using DumpModuleBase::DumpModuleBase;

  void runOnOperation() override {
    markAllAnalysesPreserved();
    std::string message;
    llvm::sys::fs::create_directories(llvm::sys::path::parent_path(file));
    auto output = openOutputFile(file, &message);
    if (!output) {
      getOperation().emitError() << message;
      return signalPassFailure();
    }
    getOperation().print(output->os());
    output->keep();
  }
};

} // namespace
} // namespace drawloom
