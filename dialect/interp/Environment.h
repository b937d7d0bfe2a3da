// The values that SSA values have while one function or region is interpreted.
#pragma once
#include "dialect/interp/Tensor.h"
#include "dialect/ir/Dialect.h"
#include <memory>

namespace drawloom {

class Environment {
public:
  using Ref = std::shared_ptr<const Tensor>;

  const Tensor &get(mlir::Value v) const { return *values.at(v); }
  Ref ref(mlir::Value v) const { return values.at(v); }
  void set(mlir::Value v, Tensor t) { values[v] = std::make_shared<const Tensor>(std::move(t)); }
  void set(mlir::Value v, Ref t) { values[v] = std::move(t); }

private:
  llvm::DenseMap<mlir::Value, Ref> values;
};

/// Zeros of the type's shape.
inline Tensor zerosFor(mlir::Value v) {
  return Tensor::zeros(llvm::cast<mlir::RankedTensorType>(v.getType()).getShape());
}

// One function an op: reads the operands from `env` and sets the results. Grouped by file as below.
// RowOps.cpp
llvm::LogicalResult interpret(EmbedOp op, Environment &env);
llvm::LogicalResult interpret(EmbedGradOp op, Environment &env);
llvm::LogicalResult interpret(LayerNormOp op, Environment &env);
llvm::LogicalResult interpret(LayerNormGradOp op, Environment &env);
llvm::LogicalResult interpret(BiasAddOp op, Environment &env);
llvm::LogicalResult interpret(ColumnSumOp op, Environment &env);
llvm::LogicalResult interpret(AddOp op, Environment &env);
llvm::LogicalResult interpret(CastOp op, Environment &env);
llvm::LogicalResult interpret(FillOp op, Environment &env);
llvm::LogicalResult interpret(GeluOp op, Environment &env);
llvm::LogicalResult interpret(GeluGradOp op, Environment &env);
llvm::LogicalResult interpret(DropoutOp op, Environment &env);
llvm::LogicalResult interpret(SplitOp op, Environment &env);
llvm::LogicalResult interpret(ConcatOp op, Environment &env);
llvm::LogicalResult interpret(CrossEntropyOp op, Environment &env);
llvm::LogicalResult interpret(CrossEntropyGradOp op, Environment &env);
// MatmulOps.cpp
llvm::LogicalResult interpret(LinearOp op, Environment &env);
llvm::LogicalResult interpret(MatmulOp op, Environment &env);
// AttentionOps.cpp
llvm::LogicalResult interpret(AttentionOp op, Environment &env);
llvm::LogicalResult interpret(AttentionGradOp op, Environment &env);
llvm::LogicalResult interpret(AttentionDecodeOp op, Environment &env);
// PieceOps.cpp
llvm::LogicalResult interpret(AttendOp op, Environment &env);
llvm::LogicalResult interpret(AttentionDeltaOp op, Environment &env);
llvm::LogicalResult interpret(AttendGradOp op, Environment &env);
// OptimizerOps.cpp
llvm::LogicalResult interpret(GlobalNormOp op, Environment &env);
llvm::LogicalResult interpret(AdamOp op, Environment &env);
llvm::LogicalResult interpret(EmaOp op, Environment &env);

} // namespace drawloom
