// The kernel and the launch of a fusion.
#include "passes/Names.h"
#include "passes/memory/Layout.h"
#include "passes/rows/FusionLowering.h"
#include "passes/rows/RowEmitter.h"
#include "passes/rows/TeamEmitter.h"

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

LogicalResult FusionLowering::finish() {
  if (results.empty()) return fusion.erase(), success();
  FailureOr<SymbolRefAttr> kernel =
      context.kernels.get(describe(), kernelName(), fusion.getLoc(), signature(), sites.size(),
                          [&](KernelBuilder &k) { return build(k); });
  if (failed(kernel)) return failure();
  return replaceByLaunch(*kernel);
}

LogicalResult FusionLowering::addTo(RowProgram &program, RowOps &ops, ValueRange sites, ValueRange outputs) {
  unsigned dropouts = 0, next = 0;
  for (Operation &op : body->without_terminator())
    if (!isa<MatmulOp>(op) && failed(ops.add(&op, isa<DropoutOp>(op) ? sites[dropouts++] : Value())))
      return failure();
  for (const ResultPlan &result : results) {
    Value value = yielded(result), output = result.how == ResultPlan::Tied ? Value() : outputs[next++];
    switch (result.how) {
    case ResultPlan::Tied:
      program.store(ops.columns(value), ops.rowAccess(ops.argument(body->getArgument(result.tiedArgument))));
      break;
    case ResultPlan::ColumnSum:
      program.accumulate(ops.columnSum(value), {output, Access::Kind::OwnItem});
      break;
    case ResultPlan::Stored:
      if (ops.isScalar(value))
        program.store(ops.scalar(value), {ops.flat(output), Access::Kind::Scalar});
      else
        program.store(ops.columns(value), ops.rowAccess(output));
      break;
    }
  }
  return success();
}

ValueRange FusionLowering::memrefsOf(KernelBuilder &kernel) const {
  return kernel.function.getArguments().drop_back(2 + sites.size());
}

SmallVector<Value> FusionLowering::siteValues(KernelBuilder &kernel) {
  SmallVector<Value> values;
  unsigned memrefs = memrefsOf(kernel).size();
  for (unsigned k = 0; k < sites.size(); ++k)
    values.push_back(
        arith::IndexCastOp::create(kernel.b, kernel.loc, kernel.b.getI32Type(), kernel.scalar(memrefs, k)));
  return values;
}

LogicalResult FusionLowering::build(KernelBuilder &kernel) {
  ValueRange memrefs = memrefsOf(kernel);
  SmallVector<Value> siteNumbers = siteValues(kernel);
  RowProgram program;
  RowOps ops(kernel, program, space, context.machine, arguments, memrefs.take_front(arguments.size()));
  if (failed(addTo(program, ops, siteNumbers, memrefs.drop_front(arguments.size())))) return failure();
  bool readsAsPlanned;
  if (context.isGpu()) {
    TeamEmitter emitter(program, space, shape);
    emitter.emit(kernel.b, kernel.loc, kernel.begin(), kernel.end());
    setLaunchShape(kernel.function, shape.threads, emitter.itemsPerBlock(), emitter.sharedBytes(),
                   shape.minBlocks);
    readsAsPlanned = emitter.readsAsPlanned();
  } else {
    RowEmitter emitter(program, space, context.lanes);
    emitter.emit(kernel.b, kernel.loc, kernel.begin(), kernel.end());
    readsAsPlanned = emitter.readsAsPlanned();
  }
  if (readsAsPlanned) planReuse(kernel, program, ops);
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
  for (auto [result, value] : llvm::zip_equal(results, launch.getOutputs()))
    if (result.how != ResultPlan::ColumnSum) fusion.getResult(result.number).replaceAllUsesWith(value);
  if (failed(finishSums(launch))) return failure();
  fusion.erase();
  return success();
}

/// Adds up the launch's partial sums: one launch for each sum, on a GPU one for all of them.
LogicalResult FusionLowering::finishSums(LaunchOp launch) {
  OpBuilder b(fusion);
  SmallVector<PartialSum> sums;
  SmallVector<unsigned> numbers;
  for (auto [result, value] : llvm::zip_equal(results, launch.getOutputs())) {
    if (result.how != ResultPlan::ColumnSum) continue;
    sums.push_back({value, result.init, cast<RankedTensorType>(fusion.getResult(result.number).getType())});
    numbers.push_back(result.number);
  }
  if (sums.empty()) return success();
  FailureOr<SmallVector<Value>> totals = sumPartials(context, b, fusion.getLoc(), sums, labelOf(fusion));
  if (failed(totals)) return failure();
  for (auto [number, total] : llvm::zip_equal(numbers, *totals))
    fusion.getResult(number).replaceAllUsesWith(total);
  return success();
}

LogicalResult lowerFusion(FusionOp fusion, LoweringContext &context) {
  FusionLowering lowering(fusion, context);
  if (failed(lowering.prepare())) return failure();
  return lowering.finish();
}

} // namespace drawloom::rows
