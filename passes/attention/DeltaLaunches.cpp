#include "passes/attention/DeltaLaunches.h"
#include "passes/attention/gpu/LowerBackward.h"

using namespace mlir;

namespace drawloom::attention {

DeltaLaunches::DeltaLaunches(ModuleOp module, StringRef target)
    : kernels(module), context(module, kernels, {.target = target.str()}) {}

bool DeltaLaunches::isLaunch(AttentionDeltaOp delta) {
  SmallVector<AttendGradOp> readers;
  for (Operation *user : delta->getUsers()) {
    auto reader = dyn_cast<AttendGradOp>(user);
    if (!reader || reader->getBlock() != delta->getBlock() || !hasWarpKernels(reader, context)) return false;
    readers.push_back(reader);
  }
  llvm::sort(readers, [](AttendGradOp a, AttendGradOp b) { return a->isBeforeInBlock(b); });
  for (AttendGradOp reader : readers) switch (deltaOfWarps(reader, context)) {
    case DeltaSource::Given: return true;
    case DeltaSource::MadeAndKept: return false;
    case DeltaSource::Made: break; // others may need it for other heads
    }
  return false;
}

} // namespace drawloom::attention
