#include "passes/products/ProductRules.h"
#include "passes/memory/Layout.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;

namespace drawloom::products {
namespace {

constexpr int64_t kMaxInner = 512; ///< of a product whose columns of b stay in shared memory
constexpr unsigned kMaxInputs = 1, kMaxOutputs = 2;

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
  return inner % 8 == 0 && columns % 8 == 0 && inner <= kMaxInner &&
         tensorOf(product.getB()).getRank() == 2 && hasAlignedRows(product.getA()) &&
         hasAlignedRows(product.getB());
}

/// The operands that an epilogue op reads row by row, or nothing if it is none.
std::optional<ValueRange> rowOperands(Operation *op) {
  if (isa<AddOp, CastOp, GeluOp, GeluGradOp>(op)) return ValueRange(op->getOperands());
  if (isa<BiasAddOp, ColumnSumOp>(op)) return ValueRange(op->getOperands()).take_front();
  return std::nullopt;
}

} // namespace

bool canLower(MatmulOp product, ArrayRef<Operation *> epilogue) {
  if (!isTensorCoreProduct(product)) return false;
  RankedTensorType out = tensorOf(product.getOut());
  llvm::SmallPtrSet<Operation *, 8> inside(epilogue.begin(), epilogue.end());
  inside.insert(product);
  llvm::SmallSetVector<Value, 4> inputs, outputs;
  auto isUsedOutside = [&](Value value) {
    return llvm::any_of(value.getUsers(), [&](Operation *user) { return !inside.contains(user); });
  };
  if (isUsedOutside(product.getOut())) outputs.insert(product.getOut());
  for (Operation *op : epilogue) {
    std::optional<ValueRange> rows = rowOperands(op);
    if (!rows) return false;
    for (Value row : *rows) {
      if (rowCount(tensorOf(row)) != rowCount(out) || rowLength(tensorOf(row)) != rowLength(out))
        return false;
      if (!inside.contains(row.getDefiningOp())) inputs.insert(row);
      if (row.getDefiningOp<ColumnSumOp>()) return false;
    }
    // A bias, or what a sum over rows is added to, comes from elsewhere. Pairs of a bias are read at once.
    for (Value other : op->getOperands().drop_front(rows->size()))
      if (inside.contains(other.getDefiningOp()) || rowOffset(outside(other)) % 2 != 0) return false;
    if (!isa<ColumnSumOp>(op) && isUsedOutside(op->getResult(0))) outputs.insert(op->getResult(0));
  }
  if (inputs.size() > kMaxInputs || outputs.size() > kMaxOutputs) return false;
  auto fits = [&](Value value) { return elementOf(value) == out.getElementType() && hasAlignedRows(value); };
  return llvm::all_of(inputs, fits) && llvm::all_of(outputs, fits);
}

} // namespace drawloom::products
