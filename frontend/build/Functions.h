// Helpers for building functions whose arguments and results have names and roles.
#pragma once
#include "dialect/ir/Dialect.h"
#include "frontend/spec/Diagnostics.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <string>
#include <vector>

namespace drawloom {

/// An argument of a function under construction.
struct Argument {
  std::string name, role; // drawloom.name, drawloom.role
  mlir::Type type;
  llvm::SmallVector<mlir::NamedAttribute> more; // init, decay
};

/// Starts a function at the end of `module` and puts the builder into its body.
class FunctionBuilder {
public:
  FunctionBuilder(mlir::ModuleOp module, llvm::StringRef name, const std::vector<Argument> &arguments,
                  mlir::Location loc);

  mlir::Value argument(llvm::StringRef name);
  /// Ends the function: its results and the buffers that receive them.
  void finish(const std::vector<std::pair<std::string, mlir::Value>> &results);

  /// The location and the label of the ops made from here on; `segment` may be empty.
  void at(mlir::Location loc, std::string label, std::string segment = {});
  /// Makes an op of the current location, label and segment.
  template <class OpTy, class... Args> OpTy make(Args &&...args) {
    auto op = OpTy::create(builder, location, std::forward<Args>(args)...);
    mark(op);
    return op;
  }

  mlir::OpBuilder builder;

private:
  void mark(mlir::Operation *op);
  mlir::func::FuncOp function;
  llvm::StringMap<unsigned> numbers; // of arguments, by name
  mlir::Location location;
  std::string label, segment;
};

/// file:line:column, or the file's start for a default.
mlir::Location locationOf(mlir::MLIRContext *context, const spec::Place &place, const std::string &file);

/// tensor<shape x f32>, and of 32 and 64 bit integers.
mlir::RankedTensorType floatTensor(mlir::MLIRContext *context, llvm::ArrayRef<int64_t> shape);
mlir::RankedTensorType intTensor(mlir::MLIRContext *context, llvm::ArrayRef<int64_t> shape, unsigned bits);

} // namespace drawloom
