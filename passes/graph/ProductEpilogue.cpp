#include "passes/graph/ProductEpilogue.h"
#include "passes/graph/RowOps.h"
#include "passes/memory/Layout.h"
#include "passes/products/ProductRules.h"

using namespace mlir;

namespace drawloom {
namespace {

/// An op whose result has an element for each element of the rows that it reads.
bool isElementwise(Operation *op) { return isa<BiasAddOp, AddOp, CastOp, GeluOp, GeluGradOp, DropoutOp>(op); }

bool readsAsRows(OpOperand &use) {
  std::optional<RowShape> shape = describeRowOp(use.getOwner());
  return shape && shape->operands[use.getOperandNumber()] == RowRole::Row;
}

/// True if the op comes back to what gelu has read: there is no such reader where nothing is differentiated,
/// or where gelu is recomputed elsewhere.
bool isForGradient(OpOperand &use) {
  return use.getOwner()->hasAttr(kRepeatAttr) ||
         (isa<GeluGradOp>(use.getOwner()) && use.getOperandNumber() == 1);
}

bool isNormGradient(OpOperand &use) {
  return isa<LayerNormGradOp>(use.getOwner()) && use.getOperandNumber() == 0;
}

/// The elementwise op, or the norm's gradient, that alone reads `value`; null if there is none.
Operation *onlyReader(Value value) {
  Operation *reader = nullptr;
  for (OpOperand &use : value.getUses()) {
    if (isForGradient(use)) continue;
    if (reader && use.getOwner() != reader) return nullptr;
    reader = use.getOwner();
    if (!isNormGradient(use) && (!isElementwise(reader) || !readsAsRows(use))) return nullptr;
  }
  return reader;
}

class Search {
public:
  explicit Search(MatmulOp product) { found.product = product; }

  ProductEpilogue run() {
    Operation *next = onlyReader(found.product.getOut());
    while (next && isThere(next)) {
      found.chain.push_back(next);
      next = isa<LayerNormGradOp>(next) ? nullptr : onlyReader(next->getResult(0));
    }
    if (next || !products::canLower(found.product, found.chain)) found.chain.clear();
    if (!found.chain.empty()) addBeside();
    return std::move(found);
  }

private:
  bool isMember(Operation *op) {
    return op == found.product || llvm::is_contained(found.chain, op) || llvm::is_contained(found.beside, op);
  }

  /// Whether what `op` needs is made by members or before the product.
  bool isThere(Operation *op) {
    return llvm::all_of(op->getOperands(), [&](Value operand) {
      Operation *def = operand.getDefiningOp();
      return !def || isMember(def) || def->isBeforeInBlock(found.product);
    });
  }

  void addBeside() {
    SmallVector<Operation *> candidates;
    auto consider = [&](Value value, auto &&which) {
      for (Operation *user : value.getUsers())
        if (which(user) && !llvm::is_contained(candidates, user)) candidates.push_back(user);
    };
    for (Operation *op : found.chain) {
      for (OpOperand &operand : op->getOpOperands())
        if (readsAsRows(operand) && !isMember(operand.get().getDefiningOp()))
          consider(operand.get(),
                   [](Operation *user) { return isElementwise(user) && user->hasAttr(kRepeatAttr); });
      consider(op->getResult(0), [](Operation *user) {
        return isa<ColumnSumOp>(user) || (isa<LayerNormOp>(user) && !user->hasAttr(kRepeatAttr));
      });
    }
    for (Operation *op : candidates) takeBeside(op);
    if (isa<LayerNormGradOp>(found.chain.back())) followGradient();
  }

  void takeBeside(Operation *op) {
    if (isMember(op) || op->isBeforeInBlock(found.product) || !isThere(op)) return;
    found.beside.push_back(op);
    if (!products::canLower(found.product, ArrayRef(found.ops()).drop_front())) found.beside.pop_back();
  }

  /// Takes what a norm's gradient goes through next: the residual's is added to it, then dropout's gradient
  /// and the sum for a bias follow.
  void followGradient() {
    SmallVector<Value> rows{found.chain.back()->getResult(0)};
    while (!rows.empty())
      for (Operation *user : rows.pop_back_val().getUsers()) {
        if (!isElementwise(user) && !isa<ColumnSumOp>(user)) continue;
        size_t before = found.beside.size();
        takeBeside(user);
        if (found.beside.size() > before && !isa<ColumnSumOp>(user)) rows.push_back(user->getResult(0));
      }
  }

  ProductEpilogue found;
};

int64_t bytesOf(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return type.getNumElements() * type.getElementTypeBitWidth() / 8;
}

} // namespace

SmallVector<Operation *> ProductEpilogue::ops() const {
  SmallVector<Operation *> all{product};
  llvm::append_range(all, chain);
  llvm::append_range(all, beside);
  llvm::sort(all, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  return all;
}

ProductEpilogue findEpilogue(MatmulOp product) { return Search(product).run(); }

ColumnSumOp biasGradBeside(MatmulOp product) {
  auto dy = product.getA().getDefiningOp<ConcatOp>();
  if (!dy || dy->getBlock() != product->getBlock()) return {};
  for (Operation *user : dy->getUsers()) {
    auto sum = dyn_cast<ColumnSumOp>(user);
    if (!sum || sum->getBlock() != product->getBlock() || sum->isBeforeInBlock(product)) continue;
    Operation *init = sum.getInit() ? sum.getInit().getDefiningOp() : nullptr;
    bool isThere = !init || init->isBeforeInBlock(product);
    if (isThere && products::methodFor(product, {sum}) == products::Method::WeightGrad) return sum;
  }
  return {};
}

AttentionDeltaOp deltaBeside(MatmulOp product) {
  for (Operation *user : product.getOut().getUsers()) {
    auto delta = dyn_cast<AttentionDeltaOp>(user);
    if (!delta || delta.getDout() != product.getOut() || delta->getBlock() != product->getBlock()) continue;
    Operation *out = delta.getOut().getDefiningOp();
    bool isThere = !out || out->isBeforeInBlock(product);
    if (isThere && products::canLower(product, {delta})) return delta;
  }
  return {};
}

int64_t savedBytes(const ProductEpilogue &epilogue) {
  MatmulOp product = epilogue.product;
  int64_t saved = 2 * bytesOf(product.getOut());
  for (Operation *op : epilogue.chain)
    if (isa<GeluOp>(op)) saved -= bytesOf(op->getOperand(0));
  Operation *last = epilogue.chain.back();
  Value out = last->getResult(0);
  // What reads a norm's gradient may stand in another region, depending on what is recomputed.
  if (isa<LayerNormGradOp>(last)) return saved - bytesOf(out);
  bool isReadAsRows = false, isKept = isa<AddOp>(last);
  for (OpOperand &use : out.getUses()) {
    // Where a norm stands beside a chain depends on what is recomputed.
    if (llvm::is_contained(epilogue.beside, use.getOwner()) && !isa<LayerNormOp>(use.getOwner())) continue;
    (describeRowOp(use.getOwner()) ? isReadAsRows : isKept) = true;
  }
  if (isReadAsRows) saved -= bytesOf(out) * (isKept ? 1 : 2);
  return saved;
}

int64_t savedByBiasGrad(MatmulOp weightGrad) {
  return bytesOf(weightGrad.getA()) - 2 * products::partialBytes(weightGrad);
}

int64_t savedByDelta(MatmulOp product) { return bytesOf(product.getOut()); }

bool paysForItself(int64_t bytes, double operations, const ProductRates &rates) {
  return double(bytes) / rates.memory >= operations * (1 / rates.own - 1 / rates.library);
}

} // namespace drawloom
