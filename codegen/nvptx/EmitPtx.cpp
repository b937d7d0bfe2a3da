#include "codegen/nvptx/EmitPtx.h"
#include "codegen/Backend.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include <cctype>

using namespace mlir;

namespace drawloom {

std::string ptxHeader(const Target &target) {
  std::string digits = target.ptx.substr(StringRef("+ptx").size()); // "+ptx87" is version 8.7
  return ".version " + digits.substr(0, digits.size() - 1) + "." + digits.back() + "\n.target " + target.cpu +
         "\n.address_size 64\n";
}

namespace {

/// Collects what the back end has to say; by itself it would print that and go on with code that is missing
/// a piece.
struct BackendErrors : llvm::DiagnosticHandler {
  explicit BackendErrors(std::string &text) : text(text) {}

  bool handleDiagnostics(const llvm::DiagnosticInfo &info) override {
    if (info.getSeverity() != llvm::DS_Error) return true;
    llvm::raw_string_ostream stream(text);
    llvm::DiagnosticPrinterRawOStream printer(stream);
    if (!text.empty()) stream << "; ";
    info.print(printer);
    return true;
  }
  std::string &text;
};

} // namespace

/// Every name of a module begins with its kernel's: modules are put together as text.
static void makeNamesUnique(llvm::Module &module, StringRef kernel) {
  for (llvm::GlobalVariable &global : module.globals())
    if (!global.getName().starts_with("llvm."))
      global.setName(kernel + "_" + (global.hasName() ? global.getName() : "constant"));
}

static constexpr StringLiteral kLastOfHeader = ".address_size 64\n";

/// Without the comment and the three lines of the header.
static FailureOr<std::string> withoutHeader(StringRef ptx) {
  size_t at = ptx.find(kLastOfHeader);
  if (at == StringRef::npos || !ptx.contains(".entry")) return failure();
  return ptx.drop_front(at + kLastOfHeader.size()).ltrim('\n').str();
}

FailureOr<std::string> emitPtx(ModuleOp module, const Target &target, int optLevel) {
  std::string errors, error;
  llvm::LLVMContext context;
  context.setDiagnosticHandler(std::make_unique<BackendErrors>(errors));
  std::unique_ptr<llvm::Module> ir = translateModuleToLLVMIR(module, context);
  if (!ir) return module.emitError("cannot be translated to LLVM IR");
  auto machine = createMachine(target, optLevel, error);
  if (!machine) return module.emitError() << "no code generator for " << target.triple << ": " << error;
  ir->setTargetTriple(machine->getTargetTriple());
  ir->setDataLayout(machine->createDataLayout());

  llvm::Function *entry = nullptr;
  for (llvm::Function &function : *ir)
    if (!function.isDeclaration()) entry = &function;
  if (!entry) return module.emitError("holds no kernel");
  std::string name = entry->getName().str();
  entry->addFnAttr(llvm::Attribute::NoUnwind);
  makeNamesUnique(*ir, name);
  if (llvm::raw_string_ostream os(error); llvm::verifyModule(*ir, &os))
    return module.emitError() << "invalid LLVM IR: " << error;
  optimize(*ir, *machine, optLevel, /*unrollLoops=*/true);
  llvm::SmallString<0> ptx;
  if (!generate(*ir, *machine, llvm::CodeGenFileType::AssemblyFile, ptx))
    return module.emitError() << target.name << " cannot make assembly files";
  if (!errors.empty())
    return module.emitError() << "kernel '" << name << "' for " << target.name << ": " << errors;
  FailureOr<std::string> text = withoutHeader(ptx);
  if (failed(text))
    return module.emitError() << "internal error: no code came out for kernel '" << name << "'";
  return text;
}

std::string joinPtx(ArrayRef<StringRef> modules) {
  std::string text = modules.front().str();
  for (StringRef module : modules.drop_front()) text += module.split(kLastOfHeader).second;
  return text;
}

} // namespace drawloom
