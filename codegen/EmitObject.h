// One kernel's LLVM dialect module to an ELF object.
#pragma once
#include "codegen/Target.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"

namespace drawloom {

/// An object file that defines one function of type abi::KernelFn.
struct KernelObject {
  std::string name;
  llvm::SmallVector<char, 0> elf;
  unsigned places = 0, scalars = 0; ///< lengths of the function's first two arguments
};

/// Compiles `module`, which holds one llvm.func of bare pointers, indices, begin and end. A function of the
/// kernel ABI that reads these from its arrays is put before it. Nothing that could change results is allowed
/// to the optimizer: no reassociation, no contraction, no loop or superword vectorizer; and no library
/// function is known to it, so none is called. Errors are reported as diagnostics at the module. May run in
/// several threads at once.
mlir::FailureOr<KernelObject> emitObject(mlir::ModuleOp module, const Target &target, int optLevel);

} // namespace drawloom
