// The functions of `module @kernels`, each made once.
#pragma once
#include "dialect/Pch.h"
#include "mlir/IR/SymbolTable.h"

namespace drawloom::rows {

/// A kernel's body in the making: its arguments, and a builder at the start of its entry block.
struct KernelBuilder {
  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::func::FuncOp function;

  mlir::Value memref(unsigned number) { return function.getArgument(number); }
  /// The `number`-th index after the memrefs.
  mlir::Value scalar(unsigned memrefs, unsigned number) { return function.getArgument(memrefs + number); }
  mlir::Value begin() { return function.getArgument(function.getNumArguments() - 2); }
  mlir::Value end() { return function.getArgument(function.getNumArguments() - 1); }
  mlir::Value index(int64_t value) const { return mlir::arith::ConstantIndexOp::create(b, loc, value); }
};

/// Folds, gathers constants in the entry block and merges equal expressions.
void tidy(mlir::func::FuncOp function);

class KernelLibrary {
public:
  explicit KernelLibrary(mlir::ModuleOp module) : module(module) {}

  /// The kernel that `key` and the argument types describe, made by `build` if there is none yet. Failing to
  /// build is an error that `build` has reported. `name` is the start of its symbol name.
  mlir::FailureOr<mlir::SymbolRefAttr> get(llvm::StringRef key, llvm::StringRef name, mlir::Location loc,
                                           llvm::ArrayRef<mlir::MemRefType> memrefs, unsigned scalars,
                                           llvm::function_ref<mlir::LogicalResult(KernelBuilder &)> build);
  size_t size() const { return known.size(); }

private:
  mlir::ModuleOp kernels();
  mlir::ModuleOp module, nested;
  std::map<std::string, mlir::SymbolRefAttr> known;
};

/// `value` (tensors of any rank as memrefs) seen as [rows, row length], keeping the distance between rows.
mlir::Value asRows(KernelBuilder &kernel, mlir::Value value);
/// A dense memref seen as one dimension.
mlir::Value asFlat(KernelBuilder &kernel, mlir::Value value);
/// True if the memref's elements have no gaps.
bool isDense(mlir::MemRefType type);

} // namespace drawloom::rows
