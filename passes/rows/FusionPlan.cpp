// What a fusion's kernel takes and gives, and how its rows are cut.
#include "passes/graph/RowOps.h"
#include "passes/memory/Layout.h"
#include "passes/rows/FusionLowering.h"
#include <numeric>

using namespace mlir;

namespace drawloom::rows {

/// True if the op goes through this operand's rows as it goes through `mainType`.
static bool isColumnOperand(OpOperand &use) {
  unsigned number = use.getOperandNumber();
  return TypeSwitch<Operation *, bool>(use.getOwner())
      .Case<AddOp, CastOp, GeluOp, GeluGradOp>([](auto) { return true; })
      .Case<DropoutOp, BiasAddOp, LayerNormOp, CrossEntropyOp, ColumnSumOp>([&](auto) { return number == 0; })
      .Case<LayerNormGradOp, EmaOp>([&](auto) { return number < 2; })
      .Case<CrossEntropyGradOp>([&](auto) { return number == 1; })
      .Case<AdamOp>([&](auto) { return number < 4; })
      .Default([](Operation *op) { return isa<YieldOp>(op); });
}

static bool isColumnSumInit(OpOperand &use) {
  return isa<ColumnSumOp>(use.getOwner()) && use.getOperandNumber() == 1;
}

FusionLowering::FusionLowering(FusionOp fusion, LoweringContext &context)
    : fusion(fusion), context(context), body(&fusion.getBody().front()),
      yield(cast<YieldOp>(body->getTerminator())) {}

LogicalResult FusionLowering::prepare() {
  forwardArguments();
  if (failed(checkTypes()) || failed(chooseSpace())) return failure();
  planResults();
  if (results.empty()) return success();
  collectArguments();
  if (failed(checkDense())) return failure();
  if (context.isGpu()) chooseTeams();
  return success();
}

RankedTensorType FusionLowering::partialType(const ResultPlan &result) {
  auto type = cast<RankedTensorType>(yielded(result).getType());
  return RankedTensorType::get({space.items(), rowLength(type)}, type.getElementType());
}

bool FusionLowering::isRowArgument(unsigned argument) const {
  return llvm::any_of(body->getArgument(argument).getUses(), isColumnOperand);
}

/// What the fusion yields unchanged needs no kernel.
void FusionLowering::forwardArguments() {
  for (OpResult result : fusion->getResults())
    if (auto argument = dyn_cast<BlockArgument>(yield.getOperand(result.getResultNumber())))
      result.replaceAllUsesWith(fusion.getInputs()[argument.getArgNumber()]);
}

LogicalResult FusionLowering::checkTypes() {
  auto check = [&](Operation *op) -> LogicalResult {
    for (Type type : llvm::concat<const Type>(op->getOperandTypes(), op->getResultTypes())) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      if (!tensor || !tensor.hasStaticShape())
        return op->emitOpError() << "expected static tensors, got " << type;
      Type element = tensor.getElementType();
      if (!isa<FloatType>(element) || element.isF32()) continue;
      if (!context.isGpu())
        return op->emitOpError() << "compiled row operations compute in f32, got " << type;
      if (!isNarrowFloat(element))
        return op->emitOpError() << "row operations on a GPU take f32, bf16 and f16, got " << type;
    }
    return success();
  };
  for (Operation &op : body->without_terminator())
    if (failed(check(&op))) return failure();
  return success();
}

/// Flat where every op is elementwise on dense tensors of one shape, else rows.
LogicalResult FusionLowering::chooseSpace() {
  Operation &first = body->front();
  if (isa<YieldOp>(first)) return success(); // no results are left either
  RankedTensorType type = mainType(&first);
  bool isFlat = llvm::all_of(body->without_terminator(), [&](Operation &op) {
    return isElementwise(&op) && mainType(&op).getShape() == type.getShape();
  });
  for (BlockArgument argument : body->getArguments())
    if (llvm::any_of(argument.getUses(), isColumnOperand))
      isFlat &= isDense(kernelMemRefType(fusion.getInputs()[argument.getArgNumber()]));
  for (Value result : fusion.getOutputs()) isFlat &= isDense(kernelMemRefType(result));
  if (isFlat) {
    space.flatElements = type.getNumElements();
    space.rows = ceilDiv(space.flatElements, space.flatChunk);
    return success();
  }
  space.rows = rowCount(type);
  space.perItem = rowsPerItem(space.rows);
  for (Operation &op : body->without_terminator())
    if (rowCount(mainType(&op)) != space.rows)
      return op.emitOpError() << "expected " << space.rows << " rows as in the fusion's first op, got "
                              << rowCount(mainType(&op));
  return success();
}

void FusionLowering::planResults() {
  bool elementwise =
      llvm::all_of(body->without_terminator(), [](Operation &op) { return isElementwise(&op); });
  llvm::SmallDenseSet<unsigned> tied;
  for (OpResult result : fusion->getResults()) {
    if (result.use_empty()) continue;
    ResultPlan plan{result.getResultNumber(), ResultPlan::Stored, 0, nullptr};
    auto inner = dyn_cast<OpResult>(yielded(plan));
    if (inner && (isa<ColumnSumOp>(inner.getOwner()) ||
                  (isa<LayerNormGradOp>(inner.getOwner()) && inner.getResultNumber() > 0))) {
      plan.how = ResultPlan::ColumnSum;
      if (auto sum = dyn_cast<ColumnSumOp>(inner.getOwner()); sum && sum.getInit())
        if (auto init = dyn_cast<BlockArgument>(sum.getInit()))
          plan.init = fusion.getInputs()[init.getArgNumber()];
      if (Value init = context.sumInits.lookup(result)) plan.init = init;
    } else if (OpOperand *under = inner && elementwise ? tiedOperand(inner) : nullptr) {
      auto argument = dyn_cast<BlockArgument>(under->get());
      if (argument && tied.insert(argument.getArgNumber()).second) {
        plan.how = ResultPlan::Tied;
        plan.tiedArgument = argument.getArgNumber();
      }
    }
    results.push_back(plan);
  }
}

void FusionLowering::collectArguments() {
  for (BlockArgument argument : body->getArguments())
    if (llvm::any_of(argument.getUses(), [](OpOperand &use) { return !isColumnSumInit(use); }))
      arguments.push_back(argument.getArgNumber());
  for (auto dropout : body->getOps<DropoutOp>()) sites.push_back(int64_t(dropout.getSite()));
}

/// Only what the kernel goes through by rows may have gaps between rows.
LogicalResult FusionLowering::checkDense() {
  for (unsigned number : arguments) {
    MemRefType type = kernelMemRefType(fusion.getInputs()[number]);
    if (isDense(type)) continue;
    for (OpOperand &use : body->getArgument(number).getUses())
      if (!isColumnOperand(use) && !isa<EmbedOp, MatmulOp>(use.getOwner()))
        return use.getOwner()->emitOpError()
               << "operand " << use.getOperandNumber() << " must be dense, but it is a view of type " << type;
  }
  return success();
}

//===-- shares of a block's threads ---------------------------------------------------------------===//

/// True if the op reads vectors of this operand, in each row the same or that of a table.
static bool isVectorOperand(OpOperand &use) {
  if (!isa<FloatType>(getElementTypeOrSelf(use.get()))) return false;
  unsigned number = use.getOperandNumber();
  return TypeSwitch<Operation *, bool>(use.getOwner())
      .Case<BiasAddOp>([&](auto) { return number == 1; })
      .Case<LayerNormOp>([&](auto) { return number > 0; })
      .Case<LayerNormGradOp>([&](auto) { return number == 2; })
      .Case<EmbedOp>([](auto) { return true; })
      .Default([](Operation *) { return false; });
}

/// Columns of a vector: 16 bytes of the narrowest tensor that is gone through, or less where a row or a part
/// of it begins at a smaller multiple.
int64_t FusionLowering::lanesOnGpu() {
  int64_t lanes = 4;
  auto fit = [&](int64_t length) { lanes = std::gcd(lanes, length); };
  auto isNarrow = [](Value value) { return isNarrowFloat(getElementTypeOrSelf(value)); };
  for (unsigned argument : arguments)
    if (isRowArgument(argument) && isNarrow(body->getArgument(argument))) lanes = 8;
  for (const ResultPlan &result : results)
    if (isNarrow(yielded(result))) lanes = 8;
  if (space.isFlat()) fit(space.flatElements);
  for (Operation &op : body->without_terminator())
    if (!space.isFlat()) fit(rowLength(mainType(&op)));
  auto fitMemory = [&](Value value) {
    fit(rowOffset(value));
    if (space.isFlat()) return;
    fit(rowLength(cast<RankedTensorType>(value.getType())));
    fit(rowStride(value));
  };
  for (unsigned argument : arguments)
    if (isRowArgument(argument) || llvm::any_of(body->getArgument(argument).getUses(), isVectorOperand))
      fitMemory(fusion.getInputs()[argument]);
  for (const ResultPlan &result : results) {
    bool hasRows = rowCount(cast<RankedTensorType>(yielded(result).getType())) == space.rows;
    if (result.how == ResultPlan::Stored && (space.isFlat() || hasRows))
      fitMemory(fusion.getResult(result.number));
  }
  return lanes;
}

/// Slots of a flat program's thread: few tensors leave room for more loads at once.
static int64_t flatSlots(unsigned tensors) { return tensors <= 2 ? 4 : 2; }

void FusionLowering::chooseTeams() {
  int64_t lanes = lanesOnGpu();
  if (space.isFlat()) {
    shape.team = shape.threads;
    shape.lanes = lanes;
    int64_t tensors = llvm::count_if(arguments, [&](unsigned argument) { return isRowArgument(argument); });
    space.flatChunk = shape.threads * lanes * flatSlots(tensors);
    space.rows = ceilDiv(space.flatElements, space.flatChunk);
    return;
  }
  int64_t width = 1, sums = 0;
  for (Operation &op : body->without_terminator()) width = std::max(width, rowLength(mainType(&op)));
  for (const ResultPlan &result : results) sums += result.how == ResultPlan::ColumnSum;
  shape = sums ? teamShapeWithSums(space.rows, width, lanes, sums) : teamShapeOf(width, lanes);
  space.perItem = shape.rowsPerItem;
}

std::string FusionLowering::describe() {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::DenseMap<Value, unsigned> numbers;
  for (BlockArgument argument : body->getArguments()) numbers[argument] = numbers.size();
  os << (context.isGpu() ? shape.lanes : context.lanes) << (space.isFlat() ? "f" : "r");
  for (unsigned argument : arguments) os << " a" << argument;
  for (const ResultPlan &result : results) os << " r" << result.how << ":" << result.tiedArgument;
  for (Operation &op : *body) {
    os << ";" << op.getName();
    for (Value operand : op.getOperands()) os << " " << numbers.lookup(operand) << ":" << operand.getType();
    for (NamedAttribute attribute : op.getAttrDictionary())
      if (attribute.getName() != "site" && !attribute.getName().getValue().starts_with("drawloom."))
        os << " " << attribute.getName().getValue() << "=" << attribute.getValue();
    for (Value result : op.getResults()) {
      numbers[result] = numbers.size();
      os << " " << result.getType();
    }
  }
  for (const ResultPlan &result : results) os << " y" << result.number;
  return text;
}

std::optional<std::string> FusionLowering::describeWithoutShapes() {
  if (!sites.empty()) return std::nullopt;
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::DenseMap<Value, unsigned> numbers;
  for (BlockArgument argument : body->getArguments()) numbers[argument] = numbers.size();
  os << shape.lanes;
  for (const ResultPlan &result : results)
    os << " r" << result.number << ":" << result.how << ":" << result.tiedArgument;
  for (Operation &op : *body) {
    os << ";" << op.getName();
    for (Value operand : op.getOperands())
      os << " " << numbers.lookup(operand) << ":" << getElementTypeOrSelf(operand);
    for (NamedAttribute attribute : op.getAttrDictionary())
      if (!attribute.getName().getValue().starts_with("drawloom."))
        os << " " << attribute.getName().getValue() << "=" << attribute.getValue();
    for (Value result : op.getResults()) {
      numbers[result] = numbers.size();
      os << " " << getElementTypeOrSelf(result);
    }
  }
  return text;
}

std::string FusionLowering::kernelName() {
  std::string name;
  StringRef last;
  for (Operation &op : body->without_terminator()) {
    StringRef mnemonic = op.getName().stripDialect();
    if (mnemonic == last || name.size() + mnemonic.size() > 64) continue;
    name += (name.empty() ? "" : "_") + mnemonic.str();
    last = mnemonic;
  }
  return name;
}

SmallVector<MemRefType> FusionLowering::signature() {
  SmallVector<MemRefType> types;
  for (unsigned argument : arguments) types.push_back(kernelMemRefType(fusion.getInputs()[argument]));
  for (const ResultPlan &result : results) {
    if (result.how == ResultPlan::Stored) types.push_back(kernelMemRefType(fusion.getResult(result.number)));
    if (result.how == ResultPlan::ColumnSum) {
      RankedTensorType partials = partialType(result);
      types.push_back(MemRefType::get(partials.getShape(), partials.getElementType()));
    }
  }
  return types;
}

} // namespace drawloom::rows
