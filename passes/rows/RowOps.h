// The row operations as nodes of a RowProgram.
#pragma once
#include "dialect/ir/Dialect.h"
#include "passes/rows/KernelLibrary.h"
#include "passes/rows/PhiloxVector.h"
#include "passes/rows/RowProgram.h"
#include "passes/rows/RowSpace.h"

namespace drawloom::rows {

/// True for ops that a fusion may hold and that `drawloom-lower-rows` wraps into one when they stand alone.
bool isRowOp(mlir::Operation *op);
/// True for ops that work on each element alone, whatever the shape.
bool isElementwise(mlir::Operation *op);
/// The tensor whose rows the op goes through.
mlir::RankedTensorType mainType(mlir::Operation *op);
/// Floating-point operations an element of `mainType`, for people.
int64_t flopsPerElement(mlir::Operation *op);

/// Turns the ops of one fusion into nodes. Values of the fusion's block map to memrefs (arguments) and nodes
/// (results).
class RowOps {
public:
  /// `arguments`: the block arguments that the kernel takes; `memrefs`: where these lie.
  RowOps(KernelBuilder &kernel, RowProgram &program, RowSpace space, Machine machine,
         llvm::ArrayRef<unsigned> arguments, mlir::ValueRange memrefs)
      : kernel(kernel), program(program), space(space), machine(machine), arguments(arguments),
        memrefs(memrefs) {}

  /// Adds the nodes of an op. `site` is the value of dropout's site (i32), else null.
  mlir::LogicalResult add(mlir::Operation *op, mlir::Value site);

  /// Says what a value is that no op of the program makes and no memref holds as rows.
  void give(mlir::Value value, Node *node) { nodes[value] = node; }

  /// The node of a value: one element a column, or for results like mean and nll one scalar a row.
  Node *columns(mlir::Value value);
  Node *scalar(mlir::Value value);
  bool isScalar(mlir::Value value) const { return scalarValues.contains(value); }

  /// A sum over rows that the fusion yields: its node is summed into the work item's row of partial sums.
  Node *columnSum(mlir::Value value) const { return columnSums.lookup(value); }

  /// The kernel's memref for a block argument of the fusion.
  mlir::Value argument(mlir::Value value);
  /// The memref of an argument or result as the program goes through it.
  Access rowAccess(mlir::Value memref);
  mlir::Value flat(mlir::Value memref);

private:
  Node *shared(mlir::Value vector);
  /// Columns of a flat program's chunk, or of the value's rows.
  int64_t widthOf(mlir::Value value) const;
  /// Gives a result of an op its node, whose elements become what the result's type can hold: so fusing
  /// changes no bits.
  void define(mlir::Value value, Node *node);
  void elements(mlir::Value value, llvm::ArrayRef<Node *> args, VectorFn fn);
  Math math() { return {kernel.b, kernel.loc, machine}; }
  mlir::Value loadConstant(mlir::Value tensor, int64_t index);
  mlir::Value f32(double value);

  void addDropout(DropoutOp op, mlir::Value site);
  void addLayerNorm(LayerNormOp op);
  void addLayerNormGrad(LayerNormGradOp op);
  void addCrossEntropy(CrossEntropyOp op);
  void addCrossEntropyGrad(CrossEntropyGradOp op);
  void addEmbed(EmbedOp op);
  void addAdam(AdamOp op);
  void addEma(EmaOp op);
  Node *exponentials(Node *logits, Node *maximum);

  KernelBuilder &kernel;
  RowProgram &program;
  RowSpace space;
  Machine machine;
  llvm::ArrayRef<unsigned> arguments;
  llvm::SmallVector<mlir::Value> memrefs;
  llvm::DenseMap<mlir::Value, Node *> nodes, columnSums;
  llvm::DenseSet<mlir::Value> scalarValues;
  llvm::DenseMap<mlir::Value, mlir::Value> rowMemrefs, flatMemrefs;
  llvm::DenseMap<std::pair<Node *, Node *>, Node *> knownExponentials;
};

} // namespace drawloom::rows
