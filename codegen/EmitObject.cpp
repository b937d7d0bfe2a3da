#include "codegen/EmitObject.h"
#include "codegen/Backend.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"

using namespace mlir;

namespace drawloom {

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
  optimize(*ir, *machine, optLevel, /*unrollLoops=*/false);
  if (!generate(*ir, *machine, llvm::CodeGenFileType::ObjectFile, object.elf))
    return module.emitError() << target.name << " cannot make object files";
  return object;
}

} // namespace drawloom
