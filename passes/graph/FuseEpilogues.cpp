// drawloom-fuse-epilogues: biases that products add while they write their result.
#include "dialect/ir/ReverseMode.h"
#include "passes/Names.h"
#include "passes/Passes.h"
#include "passes/graph/RowOps.h"

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_FUSEEPILOGUES
#include "passes/Passes.h.inc"

namespace {

/// The functions that are products for the most part; @decode multiplies single rows.
constexpr StringLiteral kFunctions[] = {kLossFunction, "evaluate"};

/// Whether the sum with the bias would be a kernel of its own: a row op that reads it would have added the
/// bias in passing.
bool isAddedAlone(LinearOp linear) {
  return linear.getBias() && !linear.getOut().use_empty() &&
         llvm::none_of(linear.getOut().getUsers(), [](Operation *user) { return describeRowOp(user); });
}

/// Biases in the types of the results that they are added to.
class Copies {
public:
  Value get(Value bias, Type element) {
    if (getElementTypeOrSelf(bias) == element) return bias;
    Value &copy = known[bias];
    if (!copy) copy = make(bias, element);
    return copy;
  }

private:
  /// At the start of the function for an argument, beside the working copies of matrices.
  static Value make(Value bias, Type element) {
    OpBuilder builder(bias.getContext());
    builder.setInsertionPointAfterValue(bias);
    Value copy = withElementType(builder, bias.getLoc(), bias, element);
    auto argument = dyn_cast<BlockArgument>(bias);
    auto func = argument ? dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()) : nullptr;
    if (func)
      if (auto name = func.getArgAttrOfType<StringAttr>(argument.getArgNumber(), kNameAttr))
        copy.getDefiningOp()->setAttr(kLabelAttr, name);
    return copy;
  }

  llvm::DenseMap<Value, Value> known;
};

struct FuseEpilogues : impl::FuseEpiloguesBase<FuseEpilogues> {
  void runOnOperation() override {
    for (StringRef name : kFunctions) {
      auto func = getOperation().lookupSymbol<func::FuncOp>(name);
      if (!func || func.isExternal()) continue;
      Copies copies;
      for (auto linear : func.getOps<LinearOp>()) {
        if (!isAddedAlone(linear)) continue;
        linear.getBiasMutable().assign(copies.get(linear.getBias(), getElementTypeOrSelf(linear.getOut())));
        linear->setAttr(kEpilogueAttr, UnitAttr::get(&getContext()));
        ++numBiases;
      }
    }
  }
};

} // namespace
} // namespace drawloom
