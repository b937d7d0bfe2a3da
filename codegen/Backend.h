// LLVM's optimizer and code generator as our kernels may use them.
#pragma once
#include "codegen/Target.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/CodeGen.h"
#include "llvm/Target/TargetMachine.h"
#include <memory>

namespace llvm {
class Module;
}

namespace drawloom {

/// The code generator for `target`; null, and `error` says why, if LLVM has none.
std::unique_ptr<llvm::TargetMachine> createMachine(const Target &target, int optLevel, std::string &error);

/// Runs the optimizer. Nothing that could change results is allowed to it: no reassociation, no contraction,
/// no loop or superword vectorizer; and no library function is known to it, so none is called.
void optimize(llvm::Module &module, llvm::TargetMachine &machine, int optLevel, bool unrollLoops);

/// Generates code into `result`. False if the machine cannot make such a file.
bool generate(llvm::Module &module, llvm::TargetMachine &machine, llvm::CodeGenFileType kind,
              llvm::SmallVectorImpl<char> &result);

} // namespace drawloom
