#include "codegen/nvptx/LaunchShape.h"
#include "codegen/nvptx/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_MARKENTRIES
#include "codegen/nvptx/Passes.h.inc"

namespace {

using NVVM::NVVMDialect;

/// A tensor map travels in the parameters: 128 bytes that the accelerator reads where they are.
void markTensorMap(LLVM::LLVMFuncOp entry, unsigned argument) {
  Builder b(entry.getContext());
  entry.setArgAttr(argument, LLVM::LLVMDialect::getByValAttrName(),
                   TypeAttr::get(LLVM::LLVMArrayType::get(b.getI8Type(), 128)));
  entry.setArgAttr(argument, LLVM::LLVMDialect::getAlignAttrName(), b.getI64IntegerAttr(64));
  entry.setArgAttr(argument, NVVMDialect::getGridConstantAttrName(), b.getUnitAttr());
}

LogicalResult mark(LLVM::LLVMFuncOp entry) {
  FailureOr<LaunchShape> shape = launchShapeOf(entry);
  if (failed(shape)) return failure();
  Builder b(entry.getContext());
  entry->setAttr(NVVMDialect::getKernelFuncAttrName(), b.getUnitAttr());
  entry->setAttr(NVVMDialect::getReqntidAttrName(), b.getDenseI32ArrayAttr({int32_t(shape->threads), 1, 1}));
  // Always: without it ptxas does not know how many registers there are at the start and ignores setmaxnreg.
  entry->setAttr(NVVMDialect::getMinctasmAttrName(), b.getI32IntegerAttr(int32_t(shape->minBlocks)));
  if (shape->flushDenormals)
    entry.setPassthroughAttr(
        b.getArrayAttr({b.getStrArrayAttr({"denormal-fp-math-f32", "preserve-sign,preserve-sign"})}));
  unsigned count = entry.getNumArguments();
  for (unsigned k = count - shape->tensorMaps.size(); k < count; ++k) markTensorMap(entry, k);
  return success();
}

struct MarkEntries : impl::MarkEntriesBase<MarkEntries> {
  void runOnOperation() override {
    for (auto entry : getOperation().getOps<LLVM::LLVMFuncOp>())
      if (!entry.isExternal() && failed(mark(entry))) return signalPassFailure();
  }
};

} // namespace
} // namespace drawloom
