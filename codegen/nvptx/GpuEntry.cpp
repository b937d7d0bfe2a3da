#include "codegen/nvptx/LaunchShape.h"
#include "codegen/nvptx/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_GPUENTRY
#include "codegen/nvptx/Passes.h.inc"

namespace {

/// LLVM's number of global memory.
constexpr int64_t kGlobal = 1;

/// Makes a memref argument a pointer into global memory; the body sees it as before.
void moveToGlobalMemory(OpBuilder &b, BlockArgument argument) {
  auto type = cast<MemRefType>(argument.getType());
  auto global = MemRefType::get(type.getShape(), type.getElementType(), type.getLayout(),
                                b.getI64IntegerAttr(kGlobal));
  argument.setType(global);
  auto cast = memref::MemorySpaceCastOp::create(b, argument.getLoc(), type, argument);
  argument.replaceAllUsesExcept(cast, cast);
}

/// The work items of this block in the place of begin and end, which leave the arguments.
void takeItemsFromBlock(OpBuilder &b, Block &body, const LaunchShape &shape) {
  unsigned count = body.getNumArguments();
  BlockArgument begin = body.getArgument(count - 2), end = body.getArgument(count - 1);
  Location loc = begin.getLoc();
  Value grid = body.addArgument(b.getIndexType(), loc);
  Value block = gpu::BlockIdOp::create(b, loc, gpu::Dimension::x);
  Value first = block, last;
  if (shape.items == 1) {
    last = arith::AddIOp::create(b, loc, first, arith::ConstantIndexOp::create(b, loc, 1));
  } else {
    Value items = arith::ConstantIndexOp::create(b, loc, shape.items);
    first = arith::MulIOp::create(b, loc, block, items);
    last = arith::MinSIOp::create(b, loc, grid, arith::AddIOp::create(b, loc, first, items));
  }
  begin.replaceAllUsesWith(first);
  end.replaceAllUsesWith(last);
  body.eraseArguments(count - 2, 2);
}

LogicalResult makeEntry(func::FuncOp kernel) {
  FailureOr<LaunchShape> shape = launchShapeOf(kernel);
  if (failed(shape)) return failure();
  Block &body = kernel.getBody().front();
  unsigned count = body.getNumArguments();
  if (count < 2 || !body.getArgument(count - 1).getType().isIndex() ||
      !body.getArgument(count - 2).getType().isIndex())
    return kernel.emitError("expected a kernel to end in two indices, the first work item and the end");
  OpBuilder b = OpBuilder::atBlockBegin(&body);
  for (BlockArgument argument : body.getArguments())
    if (isa<MemRefType>(argument.getType())) moveToGlobalMemory(b, argument);
  takeItemsFromBlock(b, body, *shape);
  for (size_t k = 0; k < shape->tensorMaps.size(); ++k)
    body.addArgument(LLVM::LLVMPointerType::get(kernel.getContext()), kernel.getLoc());
  kernel.setAllArgAttrs(ArrayRef<Attribute>());
  kernel.setFunctionType(FunctionType::get(kernel.getContext(), body.getArgumentTypes(), {}));
  return success();
}

struct GpuEntry : impl::GpuEntryBase<GpuEntry> {
  void runOnOperation() override {
    for (auto kernel : getOperation().getOps<func::FuncOp>())
      if (failed(makeEntry(kernel))) return signalPassFailure();
  }
};

} // namespace
} // namespace drawloom
