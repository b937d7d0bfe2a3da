#include "passes/rows/FusionKernel.h"
#include "passes/Names.h"
#include "passes/memory/Layout.h"
#include "passes/rows/Chunks.h"

using namespace mlir;

namespace drawloom::rows {

//===-- shared helpers ----------------------------------------------------------------------------===//

static int64_t bytesOf(TypeRange types) {
  int64_t bytes = 0;
  for (Type type : types)
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      bytes += tensor.getNumElements() * ceilDiv(tensor.getElementTypeBitWidth(), 8);
  return bytes;
}

LaunchOp createLaunch(LoweringContext &context, OpBuilder &b, const LaunchSpec &spec) {
  ++context.launches;
  return LaunchOp::create(b, spec.loc, spec.results, spec.operands, spec.kernel, spec.grid, spec.scalars,
                          spec.inplace, spec.label, spec.flops,
                          bytesOf(spec.operands.getTypes()) + bytesOf(spec.results));
}

StringRef labelOf(Operation *op) {
  if (auto label = op->getAttrOfType<StringAttr>(kLabelAttr)) return label.getValue();
  for (Region &region : op->getRegions())
    for (Operation &inner : region.getOps())
      if (auto label = inner.getAttrOfType<StringAttr>(kLabelAttr)) return label.getValue();
  if (auto fusion = dyn_cast<FusionOp>(op)) return fusion.getBody().front().front().getName().stripDialect();
  return op->getName().stripDialect();
}

FusionOp wrapInFusion(Operation *op) {
  OpBuilder b(op);
  auto fusion = FusionOp::create(b, op->getLoc(), op->getResultTypes(), op->getOperands());
  if (Attribute label = op->getAttr(kLabelAttr)) fusion->setAttr(kLabelAttr, label);
  Block &body = fusion.getBody().emplaceBlock();
  IRMapping inside;
  for (OpOperand &operand : op->getOpOperands()) body.addArgument(operand.get().getType(), op->getLoc());
  b.setInsertionPointToStart(&body);
  Operation *copy = b.clone(*op);
  copy->setOperands(body.getArguments());
  YieldOp::create(b, op->getLoc(), copy->getResults());
  op->replaceAllUsesWith(fusion->getResults());
  op->erase();
  return fusion;
}

//===-- one fusion --------------------------------------------------------------------------------===//

namespace {

/// How a result of the fusion is made.
struct ResultPlan {
  unsigned number; // of the fusion's result
  enum { Stored, Tied, ColumnSum } how = Stored;
  unsigned tiedArgument = 0; // Tied: block argument
  Value init;                // ColumnSum: operand of the fusion, or null
};

class FusionLowering {
public:
  FusionLowering(FusionOp fusion, LoweringContext &context)
      : fusion(fusion), context(context), body(&fusion.getBody().front()),
        yield(cast<YieldOp>(body->getTerminator())) {}

  LogicalResult run() {
    forwardArguments();
    if (failed(checkTypes()) || failed(chooseSpace())) return failure();
    planResults();
    if (results.empty()) return fusion.erase(), success();
    collectArguments();
    if (failed(checkDense())) return failure();
    FailureOr<SymbolRefAttr> kernel =
        context.kernels.get(describe(), kernelName(), fusion.getLoc(), signature(), sites.size(),
                            [&](KernelBuilder &k) { return build(k); });
    if (failed(kernel)) return failure();
    return replaceByLaunch(*kernel);
  }

private:
  void forwardArguments();
  LogicalResult checkTypes();
  LogicalResult chooseSpace();
  void planResults();
  void collectArguments();
  LogicalResult checkDense();
  std::string describe();
  std::string kernelName();
  SmallVector<MemRefType> signature();
  LogicalResult build(KernelBuilder &kernel);
  void planReuse(KernelBuilder &kernel, const RowProgram &program, RowOps &ops);
  LogicalResult replaceByLaunch(SymbolRefAttr kernel);

  Value yielded(const ResultPlan &result) { return yield.getOperand(result.number); }
  RankedTensorType partialType(const ResultPlan &result) {
    auto type = cast<RankedTensorType>(yielded(result).getType());
    return RankedTensorType::get({space.items(), rowLength(type)}, type.getElementType());
  }

  FusionOp fusion;
  LoweringContext &context;
  Block *body;
  YieldOp yield;
  RowSpace space;
  SmallVector<ResultPlan> results;
  SmallVector<unsigned> arguments; // block arguments that the kernel takes
  SmallVector<int64_t> sites;
  SmallVector<int64_t> reuse;
};

/// True if the op goes through this operand's rows as it goes through `mainType`.
bool isColumnOperand(OpOperand &use) {
  unsigned number = use.getOperandNumber();
  return TypeSwitch<Operation *, bool>(use.getOwner())
      .Case<AddOp, GeluOp, GeluGradOp>([](auto) { return true; })
      .Case<DropoutOp, BiasAddOp, LayerNormOp, CrossEntropyOp, ColumnSumOp>([&](auto) { return number == 0; })
      .Case<LayerNormGradOp, EmaOp>([&](auto) { return number < 2; })
      .Case<CrossEntropyGradOp>([&](auto) { return number == 1; })
      .Case<AdamOp>([&](auto) { return number < 4; })
      .Default([](Operation *op) { return isa<YieldOp>(op); });
}

bool isColumnSumInit(OpOperand &use) {
  return isa<ColumnSumOp>(use.getOwner()) && use.getOperandNumber() == 1;
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
      if (isa<FloatType>(tensor.getElementType()) && !tensor.getElementType().isF32())
        return op->emitOpError() << "compiled row operations compute in f32, got " << type;
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
    space.rows = ceilDiv(space.flatElements, kFlatChunk);
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
      if (!isColumnOperand(use) && !isa<EmbedOp>(use.getOwner()))
        return use.getOwner()->emitOpError()
               << "operand " << use.getOperandNumber() << " must be dense, but it is a view of type " << type;
  }
  return success();
}

/// Everything about the fusion that shapes its kernel: two with equal descriptions and types share one.
std::string FusionLowering::describe() {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::DenseMap<Value, unsigned> numbers;
  for (BlockArgument argument : body->getArguments()) numbers[argument] = numbers.size();
  os << context.lanes << (space.isFlat() ? "f" : "r");
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

LogicalResult FusionLowering::build(KernelBuilder &kernel) {
  RowProgram program;
  RowOps ops(kernel, program, space, arguments);
  unsigned memrefs = kernel.function.getNumArguments() - 2 - sites.size(), dropouts = 0;
  for (Operation &op : body->without_terminator()) {
    Value site;
    if (isa<DropoutOp>(op))
      site = arith::IndexCastOp::create(kernel.b, kernel.loc, kernel.b.getI32Type(),
                                        kernel.scalar(memrefs, dropouts++));
    if (failed(ops.add(&op, site))) return failure();
  }
  unsigned next = arguments.size();
  for (const ResultPlan &result : results) {
    Value value = yielded(result);
    switch (result.how) {
    case ResultPlan::Tied:
      program.store(ops.columns(value), ops.rowAccess(ops.argument(body->getArgument(result.tiedArgument))));
      break;
    case ResultPlan::ColumnSum:
      program.accumulate(ops.columnSum(value), {kernel.memref(next++), Access::Kind::OwnItem});
      break;
    case ResultPlan::Stored:
      if (ops.isScalar(value))
        program.store(ops.scalar(value), {ops.flat(kernel.memref(next++)), Access::Kind::Scalar});
      else
        program.store(ops.columns(value), ops.rowAccess(kernel.memref(next++)));
      break;
    }
  }
  RowEmitter emitter(program, space, context.lanes);
  emitter.emit(kernel.b, kernel.loc, kernel.begin(), kernel.end());
  if (emitter.readsAsPlanned()) planReuse(kernel, program, ops);
  return success();
}

/// Results that may lie over an operand: the operand is read for the last time in the loop that writes the
/// result.
void FusionLowering::planReuse(KernelBuilder &kernel, const RowProgram &program, RowOps &ops) {
  reuse.assign(results.size(), -1);
  llvm::SmallDenseSet<unsigned> taken;
  for (const ResultPlan &result : results)
    if (result.how == ResultPlan::Tied) taken.insert(result.tiedArgument);
  for (auto [i, result] : llvm::enumerate(results)) {
    if (result.how != ResultPlan::Stored || ops.isScalar(yielded(result))) continue;
    int level = ops.columns(yielded(result))->level;
    for (auto [operand, number] : llvm::enumerate(arguments)) {
      if (taken.contains(number) ||
          kernelMemRefType(fusion.getInputs()[number]) != kernelMemRefType(fusion.getResult(result.number)))
        continue;
      Value memref = kernel.memref(operand);
      int last = program.lastRead([&](Value read) {
        if (auto cast = read.getDefiningOp<memref::ReinterpretCastOp>()) read = cast.getSource();
        return read == memref;
      });
      if (last < 0 || last > level) continue;
      reuse[i] = operand;
      taken.insert(number);
      break;
    }
  }
}

LogicalResult FusionLowering::replaceByLaunch(SymbolRefAttr kernel) {
  if (!reuse.empty()) context.reuse[kernel] = reuse;
  OpBuilder b(fusion);
  SmallVector<Value> operands;
  for (unsigned argument : arguments) operands.push_back(fusion.getInputs()[argument]);
  SmallVector<Type> types;
  SmallVector<int64_t> inplace;
  for (const ResultPlan &result : results) {
    types.push_back(result.how == ResultPlan::ColumnSum ? Type(partialType(result))
                                                        : fusion.getResult(result.number).getType());
    inplace.push_back(
        result.how == ResultPlan::Tied ? llvm::find(arguments, result.tiedArgument) - arguments.begin() : -1);
  }
  if (llvm::all_of(inplace, [](int64_t tie) { return tie < 0; })) inplace.clear();
  int64_t flops = 0;
  for (Operation &op : body->without_terminator())
    flops += flopsPerElement(&op) * mainType(&op).getNumElements();
  StringRef label = labelOf(fusion);
  LaunchOp launch = createLaunch(
      context, b, {fusion.getLoc(), types, operands, kernel, space.items(), sites, inplace, label, flops});
  if (auto it = context.reuse.find(kernel); it != context.reuse.end())
    if (llvm::any_of(it->second, [](int64_t operand) { return operand >= 0; }))
      launch->setAttr(kReuseAttr, b.getDenseI64ArrayAttr(it->second));
  for (auto [result, value] : llvm::zip_equal(results, launch.getOutputs())) {
    Value replacement = value;
    if (result.how == ResultPlan::ColumnSum) {
      auto type = cast<RankedTensorType>(fusion.getResult(result.number).getType());
      FailureOr<Value> sum = sumPartials(context, b, fusion.getLoc(), value, result.init, type, label);
      if (failed(sum)) return failure();
      replacement = *sum;
    }
    fusion.getResult(result.number).replaceAllUsesWith(replacement);
  }
  fusion.erase();
  return success();
}

} // namespace

LogicalResult lowerFusion(FusionOp fusion, LoweringContext &context) {
  return FusionLowering(fusion, context).run();
}

} // namespace drawloom::rows
