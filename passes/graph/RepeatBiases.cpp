#include "passes/graph/RepeatBiases.h"
#include "passes/graph/RowOps.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace drawloom {
namespace {

/// x and bias outside a fusion whose result is their sum.
struct BiasedRow {
  Value x, bias;
};

std::optional<BiasedRow> biasedRow(OpResult result) {
  auto fusion = cast<FusionOp>(result.getOwner());
  Block &body = fusion.getBody().front();
  auto add = body.getTerminator()->getOperand(result.getResultNumber()).getDefiningOp<BiasAddOp>();
  if (!add) return std::nullopt;
  auto x = dyn_cast<BlockArgument>(add.getX()), bias = dyn_cast<BlockArgument>(add.getBias());
  if (!x || !bias) return std::nullopt;
  return BiasedRow{fusion.getInputs()[x.getArgNumber()], fusion.getInputs()[bias.getArgNumber()]};
}

/// True if `operand` is read by a fusion of row ops alone, row by row only. What the epilogue of a product
/// reads stands ready for it.
bool readsRows(OpOperand &operand) {
  auto fusion = dyn_cast<FusionOp>(operand.getOwner());
  if (!fusion || fusion.getProduct()) return false;
  BlockArgument argument = fusion.getBody().getArgument(operand.getOperandNumber());
  return llvm::all_of(argument.getUses(), [](OpOperand &use) {
    std::optional<RowShape> shape = describeRowOp(use.getOwner());
    return shape && shape->operands[use.getOperandNumber()] == RowRole::Row;
  });
}

/// The fusion's argument for `value`, which becomes an operand if it is none yet.
BlockArgument argumentFor(FusionOp fusion, Value value) {
  auto inputs = fusion.getInputs();
  if (auto found = llvm::find(inputs, value); found != inputs.end())
    return fusion.getBody().getArgument(found - inputs.begin());
  fusion.getInputsMutable().append(value);
  return fusion.getBody().addArgument(value.getType(), value.getLoc());
}

/// `fusion` makes its argument `number` itself.
void repeatIn(FusionOp fusion, unsigned number, const BiasedRow &row) {
  Block &body = fusion.getBody().front();
  BlockArgument x = argumentFor(fusion, row.x), bias = argumentFor(fusion, row.bias);
  BlockArgument old = body.getArgument(number);
  OpBuilder b = OpBuilder::atBlockBegin(&body);
  auto sum = BiasAddOp::create(b, old.getLoc(), old.getType(), x, bias);
  old.replaceAllUsesWith(sum.getOut());
  body.eraseArgument(number);
  fusion.getInputsMutable().erase(number);
}

} // namespace

unsigned repeatBiases(Block &block) {
  unsigned count = 0;
  for (auto fusion : block.getOps<FusionOp>())
    for (OpResult result : fusion->getResults()) {
      std::optional<BiasedRow> row = biasedRow(result);
      if (!row || result.use_empty() || !llvm::all_of(result.getUses(), readsRows)) continue;
      while (!result.use_empty()) {
        OpOperand &use = *result.getUses().begin();
        repeatIn(cast<FusionOp>(use.getOwner()), use.getOperandNumber(), *row);
        ++count;
      }
    }
  return count;
}

} // namespace drawloom
