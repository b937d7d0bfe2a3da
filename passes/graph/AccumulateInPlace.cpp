// drawloom-accumulate-in-place: products and column sums are added to the accumulated gradients where they
// are made.
#include "passes/Names.h"
#include "passes/Passes.h"

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_ACCUMULATEINPLACE
#include "passes/Passes.h.inc"

namespace {

/// True if `value` is an accumulated gradient that is read once: an argument with role gradient, seen through
/// the borders of recompute regions, or what an addition to one has made.
bool isAccumulator(Value value) {
  if (!value.hasOneUse()) return false;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    Operation *parent = argument.getOwner()->getParentOp();
    if (auto recompute = dyn_cast<RecomputeOp>(parent))
      return isAccumulator(recompute.getInputs()[argument.getArgNumber()]);
    auto func = dyn_cast<func::FuncOp>(parent);
    auto role = func ? func.getArgAttrOfType<StringAttr>(argument.getArgNumber(), kRoleAttr) : StringAttr();
    return role && role.getValue() == kGradientRole;
  }
  return llvm::TypeSwitch<Operation *, bool>(value.getDefiningOp())
      .Case<AddOp>([](AddOp add) { return isAccumulator(add.getA()) || isAccumulator(add.getB()); })
      .Case<MatmulOp, ColumnSumOp>([](auto op) { return op.getInit() && isAccumulator(op.getInit()); })
      .Case<RecomputeOp>([&](RecomputeOp recompute) {
        unsigned number = cast<OpResult>(value).getResultNumber();
        return isAccumulator(recompute.getBody().front().getTerminator()->getOperand(number));
      })
      .Default([](Operation *) { return false; });
}

/// (accumulator, derivative) of an addition to an accumulated gradient; null values if `add` is something
/// else.
std::pair<Value, Value> accumulation(AddOp add) {
  if (isAccumulator(add.getA())) return {add.getA(), add.getB()};
  if (isAccumulator(add.getB())) return {add.getB(), add.getA()};
  return {};
}

bool isDefinedBefore(Value value, Operation *op) {
  Operation *def = value.getDefiningOp();
  return !def || def->isBeforeInBlock(op);
}

/// Moves the addition of a recompute region's result into the region. What it is added to was there before.
bool sink(AddOp add) {
  auto [accumulator, derivative] = accumulation(add);
  auto result = dyn_cast_or_null<OpResult>(derivative);
  if (!result || !result.hasOneUse()) return false;
  auto recompute = dyn_cast<RecomputeOp>(result.getOwner());
  if (!recompute || !isDefinedBefore(accumulator, recompute)) return false;
  Block &body = recompute.getBody().front();
  OpOperand &yielded = body.getTerminator()->getOpOperand(result.getResultNumber());
  recompute->insertOperands(recompute->getNumOperands(), accumulator);
  Value inner = body.addArgument(accumulator.getType(), accumulator.getLoc());
  add.getOut().replaceAllUsesWith(result);
  add->moveBefore(body.getTerminator());
  add->setOperands({inner, yielded.get()});
  yielded.set(add.getOut());
  return true;
}

/// Gives a matmul or column_sum the accumulator as `init`.
bool fold(AddOp add) {
  auto [accumulator, derivative] = accumulation(add);
  if (!accumulator || !derivative.hasOneUse()) return false;
  Operation *op = derivative.getDefiningOp();
  if (!op || !isDefinedBefore(accumulator, op)) return false;
  if (auto product = dyn_cast<MatmulOp>(op); product && !product.getInit())
    product.getInitMutable().assign(accumulator);
  else if (auto sum = dyn_cast<ColumnSumOp>(op); sum && !sum.getInit())
    sum.getInitMutable().assign(accumulator);
  else
    return false;
  add.getOut().replaceAllUsesWith(derivative);
  add.erase();
  return true;
}

struct AccumulateInPlace : impl::AccumulateInPlaceBase<AccumulateInPlace> {
  void runOnOperation() override {
    SmallVector<AddOp> adds;
    getOperation().walk([&](AddOp add) { adds.push_back(add); });
    for (AddOp add : adds) {
      while (sink(add)) ++numSunk;
      if (fold(add)) ++numFolded;
    }
  }
};

} // namespace
} // namespace drawloom
