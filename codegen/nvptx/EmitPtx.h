// One GPU kernel's LLVM dialect module to PTX.
#pragma once
#include "codegen/Target.h"
#include "mlir/IR/BuiltinOps.h"
#include <string>

namespace drawloom {

/// Compiles `module`, which holds one entry (drawloom-mark-entries), to the text of a PTX module without its
/// header (ptxHeader), so that texts can be put together: every name in it begins with the entry's. Nothing
/// that could change results is allowed to the optimizer (codegen/Backend.h). What the back end rejects is a
/// diagnostic at the module. May run in several threads at once.
mlir::FailureOr<std::string> emitPtx(mlir::ModuleOp module, const Target &target, int optLevel);

/// The lines that begin a PTX module for `target`: version, target, size of addresses.
std::string ptxHeader(const Target &target);

/// Modules of one header as one module. Names do not meet, as above.
std::string joinPtx(llvm::ArrayRef<llvm::StringRef> modules);

} // namespace drawloom
