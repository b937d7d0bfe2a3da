#include "passes/products/ProductRules.h"
#include "passes/memory/Layout.h"
#include "passes/products/RowProductPlan.h"
#include "passes/products/WeightGradPlan.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace drawloom::products {
namespace {

constexpr int64_t kMaxInner = 512; ///< of a product whose columns of b stay in shared memory
constexpr unsigned kMaxInputs = 1, kMaxOutputs = 2;
constexpr unsigned kMaxRowInputs = 2, kMaxRowSums = 4; ///< where rows are whole: what registers hold

RankedTensorType tensorOf(Value value) { return cast<RankedTensorType>(value.getType()); }
Type elementOf(Value value) { return tensorOf(value).getElementType(); }

/// The value outside that a fusion's argument, or a value that it yields, stands for.
Value outside(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto fusion = dyn_cast<FusionOp>(argument.getOwner()->getParentOp());
    return fusion ? Value(fusion.getInputs()[argument.getArgNumber()]) : value;
  }
  for (OpOperand &use : value.getUses())
    if (isa<YieldOp>(use.getOwner()))
      if (auto fusion = dyn_cast<FusionOp>(use.getOwner()->getParentOp()))
        return fusion.getResult(use.getOperandNumber());
  return value;
}

/// What bulk copies need: rows that begin at multiples of 16 bytes.
bool hasAlignedRows(Value value) {
  Value memory = outside(value);
  return rowStride(memory) % 8 == 0 && rowOffset(memory) % 8 == 0;
}

bool isTensorCoreProduct(MatmulOp product) {
  Type element = elementOf(product.getA());
  if (!element.isBF16() && !element.isF16()) return false;
  if (elementOf(product.getB()) != element || elementOf(product.getOut()) != element) return false;
  if (product.getInit() || product.getBias() || product.getTransposeA()) return false;
  int64_t inner = rowLength(tensorOf(product.getA())), columns = rowLength(tensorOf(product.getOut()));
  return inner % 8 == 0 && columns % 8 == 0 && tensorOf(product.getB()).getRank() == 2 &&
         hasAlignedRows(product.getA()) && hasAlignedRows(product.getB());
}

/// The operands that an epilogue op reads row by row, or nothing if it is none.
std::optional<ValueRange> rowOperands(Operation *op, Method method) {
  ValueRange operands = op->getOperands();
  if (isa<AddOp, CastOp, GeluOp, GeluGradOp>(op)) return operands;
  if (isa<BiasAddOp, ColumnSumOp>(op)) return operands.take_front();
  if (method == Method::Columns) return isa<AttentionDeltaOp>(op) ? std::optional(operands) : std::nullopt;
  if (isa<DropoutOp, LayerNormOp>(op)) return operands.take_front();
  if (isa<LayerNormGradOp>(op)) return operands.take_front(2);
  return std::nullopt;
}

bool isSum(Value value) {
  auto result = dyn_cast<OpResult>(value);
  return result && (isa<ColumnSumOp, AttentionDeltaOp>(result.getOwner()) ||
                    (isa<LayerNormGradOp>(result.getOwner()) && result.getResultNumber() > 0));
}

bool isWithin(MatmulOp product, ArrayRef<Operation *> epilogue, Value value) {
  return value.getDefiningOp() == product || llvm::is_contained(epilogue, value.getDefiningOp());
}

using Inputs = llvm::SmallSetVector<Value, 4>;

/// What the epilogue reads row by row from elsewhere, if each of its ops has a place behind the product: rows
/// of the product's shape, none of them sums; vectors and numbers of rows, which come from elsewhere.
std::optional<Inputs> inputsOf(MatmulOp product, ArrayRef<Operation *> epilogue, Method method) {
  RankedTensorType out = tensorOf(product.getOut());
  Inputs inputs;
  for (Operation *op : epilogue) {
    std::optional<ValueRange> rows = rowOperands(op, method);
    if (!rows) return std::nullopt;
    for (Value row : *rows) {
      if (rowCount(tensorOf(row)) != rowCount(out) || rowLength(tensorOf(row)) != rowLength(out))
        return std::nullopt;
      if (!isWithin(product, epilogue, row))
        inputs.insert(row);
      else if (isSum(row))
        return std::nullopt;
    }
    for (Value other : op->getOperands().drop_front(rows->size()))
      if (isWithin(product, epilogue, other)) return std::nullopt;
  }
  return inputs;
}

/// Whether a tile has whole heads of the product's columns.
bool hasWholeHeads(AttentionDeltaOp delta) {
  return fitsTiles(rowLength(tensorOf(delta.getOut())) / delta.getHeads());
}

bool canHaveColumns(MatmulOp product, ArrayRef<Operation *> epilogue) {
  if (rowLength(tensorOf(product.getA())) > kMaxInner) return false;
  std::optional<Inputs> inputs = inputsOf(product, epilogue, Method::Columns);
  if (!inputs) return false;
  unsigned deltas = 0;
  Inputs outputs;
  auto take = [&](Value value) {
    if (llvm::any_of(value.getUsers(), [&](Operation *user) { return !llvm::is_contained(epilogue, user); }))
      outputs.insert(value);
  };
  take(product.getOut());
  for (Operation *op : epilogue) {
    // Pairs of a bias are read at once.
    for (Value other : op->getOperands().drop_front(rowOperands(op, Method::Columns)->size()))
      if (rowOffset(outside(other)) % 2 != 0) return false;
    if (auto delta = dyn_cast<AttentionDeltaOp>(op))
      if (++deltas > 1 || !hasWholeHeads(delta)) return false;
    if (!isSum(op->getResult(0))) take(op->getResult(0));
  }
  if (inputs->size() > kMaxInputs || outputs.size() > kMaxOutputs) return false;
  Type element = elementOf(product.getOut());
  auto fits = [&](Value value) { return elementOf(value) == element && hasAlignedRows(value); };
  return llvm::all_of(*inputs, fits) && llvm::all_of(outputs, fits);
}

/// Row kernels' own code goes through the rows, so any program of row ops will do that registers can hold.
bool canHaveRows(MatmulOp product, ArrayRef<Operation *> epilogue) {
  int64_t columns = rowLength(tensorOf(product.getOut()));
  if (columns % kRowColumns != 0 || columns > kMostRowColumns) return false;
  std::optional<Inputs> inputs = inputsOf(product, epilogue, Method::Rows);
  unsigned sums = 0;
  for (Operation *op : epilogue) sums += isa<ColumnSumOp>(op) ? 1 : isa<LayerNormGradOp>(op) ? 2 : 0;
  return inputs && inputs->size() <= kMaxRowInputs && sums <= kMaxRowSums;
}

WeightGradShape shapeOf(MatmulOp weightGrad) {
  RankedTensorType dy = tensorOf(weightGrad.getA());
  return {rowCount(dy), rowLength(dy), rowLength(tensorOf(weightGrad.getB()))};
}

/// dY^T X, and what a bias adds up of dY.
bool isWeightGrad(MatmulOp product, ArrayRef<Operation *> epilogue) {
  RankedTensorType dy = tensorOf(product.getA()), x = tensorOf(product.getB());
  Type element = dy.getElementType();
  if (!product.getTransposeA() || product.getTransposeB() || product.getBias()) return false;
  if (!element.isBF16() && !element.isF16()) return false;
  if (x.getElementType() != element || !elementOf(product.getOut()).isF32()) return false;
  if (epilogue.size() > 1) return false;
  for (Operation *op : epilogue) {
    auto sum = dyn_cast<ColumnSumOp>(op);
    if (!sum || sum.getX() != product.getA() || !elementOf(sum.getOut()).isF32()) return false;
  }
  WeightGradShape shape = shapeOf(product);
  return shape.outputs % 8 == 0 && shape.inputs % 8 == 0 && fitsIntegers(shape, chooseGradCut(shape)) &&
         hasAlignedRows(product.getA()) && hasAlignedRows(product.getB());
}

} // namespace

std::optional<Method> methodFor(MatmulOp product, ArrayRef<Operation *> epilogue) {
  if (isWeightGrad(product, epilogue)) return Method::WeightGrad;
  if (!isTensorCoreProduct(product)) return std::nullopt;
  if (canHaveColumns(product, epilogue)) return Method::Columns;
  if (canHaveRows(product, epilogue)) return Method::Rows;
  return std::nullopt;
}

int64_t partialBytes(MatmulOp weightGrad) {
  WeightGradShape shape = shapeOf(weightGrad);
  return chooseGradCut(shape).partialBytes(shape);
}

bool canLower(MatmulOp product, ArrayRef<Operation *> epilogue) {
  return methodFor(product, epilogue).has_value();
}

} // namespace drawloom::products
