// drawloom-differentiate: @loss becomes @gradient.
#include "dialect/ir/ReverseMode.h"
#include "passes/Names.h"
#include "passes/Passes.h"
#include "runtime/abi/Abi.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_DIFFERENTIATE
#include "passes/Passes.h.inc"

namespace {

/// Argument or result attributes {drawloom.name, drawloom.role}.
DictionaryAttr attributes(MLIRContext *context, StringRef name, StringRef role) {
  Builder b(context);
  return b.getDictionaryAttr(
      {b.getNamedAttr(kNameAttr, b.getStringAttr(name)), b.getNamedAttr(kRoleAttr, b.getStringAttr(role))});
}

/// Argument numbers of the parameters.
LogicalResult findParameters(func::FuncOp loss, SmallVectorImpl<unsigned> &parameters) {
  for (unsigned k = 0; k < loss.getNumArguments(); ++k) {
    auto role = loss.getArgAttrOfType<StringAttr>(k, kRoleAttr);
    if (!role || role.getValue() != kParameterRole) continue;
    if (!loss.getArgAttrOfType<StringAttr>(k, kNameAttr))
      return loss.emitError() << "parameter " << k << " of @loss has no " << kNameAttr;
    parameters.push_back(k);
  }
  return success();
}

LogicalResult checkLoss(func::FuncOp loss) {
  if (loss.isExternal() || !loss.getBody().hasOneBlock())
    return loss.emitError() << "@loss must have a body of one block";
  if (loss.getNumResults() != 1 || !isa<RankedTensorType>(loss.getResultTypes()[0]))
    return loss.emitError() << "@loss must have one result, the tensor of negative log-likelihoods, got "
                            << loss.getResultTypes();
  return success();
}

/// Adds an argument for each parameter's accumulated gradient, behind the parameters, and `loss_weights` at
/// the end.
LogicalResult insertArguments(func::FuncOp func, ArrayRef<unsigned> parameters) {
  MLIRContext *context = func.getContext();
  unsigned behind = parameters.empty() ? 0 : parameters.back() + 1;
  SmallVector<unsigned> places(parameters.size(), behind);
  SmallVector<Type> types;
  SmallVector<DictionaryAttr> attrs;
  SmallVector<Location> locs(parameters.size() + 1, func.getLoc());
  for (unsigned k : parameters) {
    auto name = func.getArgAttrOfType<StringAttr>(k, kNameAttr);
    types.push_back(func.getArgumentTypes()[k]);
    attrs.push_back(attributes(context, (name.getValue() + ".grad").str(), kGradientRole));
  }
  places.push_back(func.getNumArguments());
  types.push_back(func.getResultTypes()[0]);
  attrs.push_back(attributes(context, abi::io::kLossWeights, kIoRole));
  return func.insertArguments(places, types, attrs, locs);
}

/// Adds the new gradients to the results, each named like the argument that it replaces.
LogicalResult insertResults(func::FuncOp func, ArrayRef<Value> gradients,
                            ArrayRef<BlockArgument> accumulators) {
  SmallVector<unsigned> places(gradients.size(), func.getNumResults());
  SmallVector<DictionaryAttr> attrs;
  Builder b(func.getContext());
  for (BlockArgument accumulator : accumulators)
    attrs.push_back(b.getDictionaryAttr(
        b.getNamedAttr(kNameAttr, func.getArgAttr(accumulator.getArgNumber(), kNameAttr))));
  if (failed(func.insertResults(places, ValueRange(gradients).getTypes(), attrs))) return failure();
  Operation *end = func.getBody().front().getTerminator();
  end->insertOperands(end->getNumOperands(), gradients);
  return success();
}

/// Backward ops read a clone of each op of `forward` that is marked to be computed again.
void repeatMarked(ArrayRef<Operation *> forward) {
  llvm::SmallPtrSet<Operation *, 32> isForward(forward.begin(), forward.end());
  for (Operation *op : forward) {
    if (!op->hasAttr(kRepeatAttr)) continue;
    auto isBackward = [&](OpOperand &use) { return !isForward.contains(use.getOwner()); };
    Operation *first = nullptr;
    for (Operation *user : op->getUsers())
      if (!isForward.contains(user) && (!first || user->isBeforeInBlock(first))) first = user;
    if (first) {
      Operation *again = OpBuilder(first).clone(*op);
      for (auto [kept, made] : llvm::zip_equal(op->getResults(), again->getResults()))
        kept.replaceUsesWithIf(made, isBackward);
    }
    op->removeAttr(kRepeatAttr);
  }
}

LogicalResult makeGradient(func::FuncOp func) {
  SmallVector<unsigned> parameters;
  if (failed(checkLoss(func)) || failed(findParameters(func, parameters)) ||
      failed(insertArguments(func, parameters)))
    return failure();
  func.setName(kGradientFunction);
  Block &body = func.getBody().front();
  Operation *end = body.getTerminator();

  // The sums start from the accumulated gradients, so each derivative is added as soon as it is there.
  SmallVector<Value> wanted;
  SmallVector<BlockArgument> accumulators;
  Cotangents cotangents;
  cotangents[end->getOperand(0)] = body.getArguments().back();
  for (auto [k, parameter] : llvm::enumerate(parameters)) {
    wanted.push_back(body.getArgument(parameter));
    accumulators.push_back(body.getArgument(parameters.back() + 1 + k));
    cotangents[wanted.back()] = accumulators.back();
  }
  SmallVector<Operation *> ops;
  for (Operation &op : body.without_terminator()) ops.push_back(&op);
  OpBuilder builder(end);
  if (failed(differentiateOps(builder, ops, wanted, cotangents))) return failure();
  repeatMarked(ops);

  SmallVector<Value> gradients;
  for (Value parameter : wanted) gradients.push_back(cotangents.lookup(parameter));
  return insertResults(func, gradients, accumulators);
}

struct Differentiate : impl::DifferentiateBase<Differentiate> {
  void runOnOperation() override {
    auto loss = getOperation().lookupSymbol<func::FuncOp>(kLossFunction);
    if (loss && failed(makeGradient(loss))) signalPassFailure();
  }
};

} // namespace
} // namespace drawloom
