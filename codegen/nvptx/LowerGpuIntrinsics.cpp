#include "codegen/nvptx/Passes.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_LOWERGPUINTRINSICS
#include "codegen/nvptx/Passes.h.inc"

namespace {

/// What swizzled tiles of the tensor memory accelerator need.
constexpr int64_t kSharedAlignment = 1024;
constexpr unsigned kShared = 3;

unsigned numberOf(gpu::AddressSpace space) {
  switch (space) {
  case gpu::AddressSpace::Global: return 1;
  case gpu::AddressSpace::Workgroup: return kShared;
  case gpu::AddressSpace::Private: return 5;
  default: return 0;
  }
}

/// The module's external array in shared memory: whatever the launch gives.
LLVM::GlobalOp sharedArray(ModuleOp module) {
  constexpr StringLiteral name = "shared";
  if (auto global = module.lookupSymbol<LLVM::GlobalOp>(name)) return global;
  OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
  auto type = LLVM::LLVMArrayType::get(b.getI8Type(), 0);
  return LLVM::GlobalOp::create(b, module.getLoc(), type, /*isConstant=*/false, LLVM::Linkage::External, name,
                                Attribute(), kSharedAlignment, kShared);
}

struct SharedMemoryLowering : ConvertOpToLLVMPattern<gpu::DynamicSharedMemoryOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult matchAndRewrite(gpu::DynamicSharedMemoryOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    LLVM::GlobalOp array = sharedArray(op->getParentOfType<ModuleOp>());
    Value address = LLVM::AddressOfOp::create(rewriter, loc, array);
    Type type = getTypeConverter()->convertType(op.getType());
    auto memory = MemRefDescriptor::poison(rewriter, loc, type);
    memory.setAllocatedPtr(rewriter, loc, address);
    memory.setAlignedPtr(rewriter, loc, address);
    memory.setConstantOffset(rewriter, loc, 0);
    memory.setConstantSize(rewriter, loc, 0, 0); // views do not ask
    memory.setConstantStride(rewriter, loc, 0, 1);
    rewriter.replaceOp(op, {memory});
    return success();
  }
};

struct LowerGpuIntrinsics : impl::LowerGpuIntrinsicsBase<LowerGpuIntrinsics> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    AttrTypeReplacer spaces;
    spaces.addReplacement([&](gpu::AddressSpaceAttr space) -> Attribute {
      return IntegerAttr::get(IntegerType::get(module.getContext(), 64), numberOf(space.getValue()));
    });
    spaces.recursivelyReplaceElementsIn(module, /*replaceAttrs=*/true, /*replaceLocs=*/false,
                                        /*replaceTypes=*/true);

    LLVMTypeConverter converter(module.getContext());
    RewritePatternSet patterns(module.getContext());
    populateGpuToNVVMConversionPatterns(converter, patterns);
    patterns.add<SharedMemoryLowering>(converter, /*benefit=*/2);
    ConversionTarget target(*module.getContext());
    target.addLegalDialect<LLVM::LLVMDialect, NVVM::NVVMDialect>();
    target.addIllegalDialect<gpu::GPUDialect>();
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    if (failed(applyPartialConversion(module, target, std::move(patterns)))) signalPassFailure();
  }
};

} // namespace
} // namespace drawloom
