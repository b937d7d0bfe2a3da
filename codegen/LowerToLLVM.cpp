#include "codegen/LowerToLLVM.h"
#include "codegen/nvptx/Passes.h"
#include "passes/gpu/Passes.h"
#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVMPass.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/NVVMToLLVM/NVVMToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace drawloom {

void registerLoweringDialects(DialectRegistry &registry) {
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
  registry.insert<gpu::GPUDialect>();
}

/// Stack memory of constant size belongs to the function, whatever loop asks for it: in a loop it would grow
/// each time.
static void hoistAllocas(func::FuncOp function) {
  Block &entry = function.getBody().front();
  SmallVector<memref::AllocaOp> allocas;
  function.walk([&](memref::AllocaOp op) {
    if (op->getBlock() != &entry && op->getNumOperands() == 0) allocas.push_back(op);
  });
  for (auto op : allocas) op->moveBefore(&entry, entry.begin());
}

/// One module for each function, so that they can be lowered and compiled apart.
static OwningOpRef<ModuleOp> splitByFunction(ModuleOp kernels) {
  OpBuilder b(kernels.getContext());
  OwningOpRef<ModuleOp> all = ModuleOp::create(b, kernels.getLoc());
  b.setInsertionPointToEnd(all->getBody());
  for (auto function : kernels.getOps<func::FuncOp>()) {
    auto one = ModuleOp::create(b, function.getLoc());
    auto copy = cast<func::FuncOp>(function->clone());
    one.getBody()->push_back(copy);
    hoistAllocas(copy);
  }
  return all;
}

/// Loops to branches, memrefs to addresses.
static void addLoopsAndVectors(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(createLowerAffinePass());
  VectorTransferToSCFOptions transfers;
  transfers.enableFullUnroll();
  pm.addNestedPass<func::FuncOp>(createConvertVectorToSCFPass(transfers));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createLoopInvariantCodeMotionPass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addNestedPass<func::FuncOp>(createLowerAffinePass()); // strided metadata is affine arithmetic
}

static void addConversions(OpPassManager &pm) {
  ConvertVectorToLLVMPassOptions vectors;
  vectors.reassociateFPReductions = false;
  pm.addPass(createConvertVectorToLLVMPass(vectors));
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createConvertIndexToLLVMPass());
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  ConvertFuncToLLVMPassOptions functions;
  functions.useBarePtrCallConv = true;
  pm.addPass(createConvertFuncToLLVMPass(functions));
  pm.addPass(createUBToLLVMConversionPass()); // the vector lowering makes ub.poison
}

static void addLowering(OpPassManager &pm) {
  addLoopsAndVectors(pm);
  addConversions(pm);
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createCSEPass());
}

static void addGpuLowering(OpPassManager &pm, StringRef target) {
  pm.addPass(createGpuEntry());
  pm.addPass(createLowerGpuOps({target.str()}));
  pm.addPass(createExpandMath());
  addLoopsAndVectors(pm);
  pm.addPass(createLowerGpuIntrinsics());
  addConversions(pm);
  pm.addPass(createConvertNVVMToLLVMPass()); // what LLVM has no intrinsic for becomes assembly
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createMarkEntries());
  pm.addPass(createCSEPass());
}

FailureOr<OwningOpRef<ModuleOp>> lowerKernelsToLLVM(ModuleOp kernels, const Target &target, bool verifyEach) {
  OwningOpRef<ModuleOp> all = splitByFunction(kernels);
  PassManager pm(kernels.getContext(), ModuleOp::getOperationName());
  pm.enableVerifier(verifyEach);
  OpPassManager &each = pm.nest<ModuleOp>();
  if (target.isGpu())
    addGpuLowering(each, target.name);
  else
    addLowering(each);
  if (failed(pm.run(*all))) return failure();
  return all;
}

void registerLowerToNvvmPipeline() {
  static PassPipelineRegistration<> pipeline("drawloom-lower-to-nvvm",
                                             "lower a module of GPU kernels to the LLVM and NVVM dialects",
                                             [](OpPassManager &pm) { addGpuLowering(pm, "sm_90a"); });
}

} // namespace drawloom
