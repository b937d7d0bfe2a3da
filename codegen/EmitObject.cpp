#include "codegen/EmitObject.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include <mutex>

using namespace mlir;

namespace drawloom {

static std::unique_ptr<llvm::TargetMachine> createMachine(const Target &target, int optLevel,
                                                          std::string &error) {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
  });
  llvm::Triple triple(target.triple);
  const llvm::Target *backend = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!backend) return nullptr;
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Standard; // only what asks for it: llvm.fma and llvm.fmuladd
  options.FunctionSections = false;
  auto level = llvm::CodeGenOpt::getLevel(std::min(optLevel, 3)).value_or(llvm::CodeGenOptLevel::Default);
  return std::unique_ptr<llvm::TargetMachine>(backend->createTargetMachine(
      triple, target.cpu, "", options, llvm::Reloc::PIC_, llvm::CodeModel::Small, level));
}

/// The function of the kernel ABI: reads its arguments from the arrays and calls the kernel, which is inlined
/// into it.
static void addEntry(llvm::Module &module, llvm::Function &kernel, KernelObject &object) {
  llvm::LLVMContext &context = module.getContext();
  auto *pointer = llvm::PointerType::get(context, 0);
  auto *i64 = llvm::Type::getInt64Ty(context);
  auto *type = llvm::FunctionType::get(llvm::Type::getVoidTy(context), {pointer, pointer, i64, i64}, false);
  std::string name = kernel.getName().str();
  kernel.setName(name + ".body");
  kernel.setLinkage(llvm::GlobalValue::InternalLinkage);
  kernel.addFnAttr(llvm::Attribute::AlwaysInline);
  auto *entry = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, name, module);
  llvm::IRBuilder<> b(llvm::BasicBlock::Create(context, "", entry));
  llvm::SmallVector<llvm::Value *> arguments;
  size_t count = kernel.arg_size();
  for (size_t i = 0; i + 2 < count; ++i) {
    bool isPlace = kernel.getArg(i)->getType()->isPointerTy();
    unsigned &position = isPlace ? object.places : object.scalars;
    llvm::Type *element = isPlace ? static_cast<llvm::Type *>(pointer) : i64;
    llvm::Value *address = b.CreateConstInBoundsGEP1_64(element, entry->getArg(isPlace ? 0 : 1), position++);
    arguments.push_back(b.CreateLoad(element, address));
  }
  arguments.push_back(entry->getArg(2));
  arguments.push_back(entry->getArg(3));
  b.CreateCall(&kernel, arguments);
  b.CreateRetVoid();
  object.name = name;
}

static void setAttributes(llvm::Function &function, const Target &target) {
  function.addFnAttr(llvm::Attribute::NoUnwind);
  function.addFnAttr("no-builtins");
  function.addFnAttr("prefer-vector-width", std::to_string(target.vectorBits));
  function.addFnAttr("min-legal-vector-width", std::to_string(target.vectorBits));
  function.addFnAttr("target-cpu", target.cpu);
}

static void optimize(llvm::Module &module, llvm::TargetMachine &machine, int optLevel) {
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  tuning.LoopUnrolling = false;
  llvm::PassBuilder builder(&machine, tuning);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graph;
  llvm::ModuleAnalysisManager modules;
  llvm::TargetLibraryInfoImpl library(machine.getTargetTriple());
  library.disableAllFunctions();
  functions.registerPass([&] { return llvm::TargetLibraryAnalysis(library); });
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graph, modules);
  const llvm::OptimizationLevel levels[] = {llvm::OptimizationLevel::O0, llvm::OptimizationLevel::O1,
                                            llvm::OptimizationLevel::O2, llvm::OptimizationLevel::O3};
  auto level = levels[std::clamp(optLevel, 0, 3)];
  auto pipeline = level == llvm::OptimizationLevel::O0 ? builder.buildO0DefaultPipeline(level)
                                                       : builder.buildPerModuleDefaultPipeline(level);
  pipeline.run(module, modules);
}

FailureOr<KernelObject> emitObject(ModuleOp module, const Target &target, int optLevel) {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> ir = translateModuleToLLVMIR(module, context);
  if (!ir) return module.emitError("cannot be translated to LLVM IR");
  std::string error;
  auto machine = createMachine(target, optLevel, error);
  if (!machine) return module.emitError() << "no code generator for " << target.triple << ": " << error;
  ir->setTargetTriple(machine->getTargetTriple());
  ir->setDataLayout(machine->createDataLayout());

  llvm::Function *kernel = nullptr;
  for (llvm::Function &function : *ir)
    if (!function.isDeclaration()) kernel = &function;
  if (!kernel) return module.emitError("holds no kernel");
  KernelObject object;
  addEntry(*ir, *kernel, object);
  for (llvm::Function &function : *ir) setAttributes(function, target);
  if (llvm::raw_string_ostream os(error); llvm::verifyModule(*ir, &os))
    return module.emitError() << "invalid LLVM IR: " << error;
  optimize(*ir, *machine, optLevel);

  llvm::raw_svector_ostream stream(object.elf);
  llvm::legacy::PassManager codegen;
  llvm::TargetLibraryInfoImpl library(machine->getTargetTriple());
  library.disableAllFunctions();
  codegen.add(new llvm::TargetLibraryInfoWrapperPass(library));
  if (machine->addPassesToEmitFile(codegen, stream, nullptr, llvm::CodeGenFileType::ObjectFile))
    return module.emitError() << target.name << " cannot make object files";
  codegen.run(*ir);
  return object;
}

} // namespace drawloom
