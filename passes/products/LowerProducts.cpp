// drawloom-lower-products: a fusion that begins with a product becomes one kernel.
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "passes/memory/Layout.h"
#include "passes/products/Passes.h"
#include "passes/products/ProductKernel.h"
#include "passes/products/ProductRules.h"
#include "passes/products/RowProductLowering.h"
#include "passes/products/WeightGradLowering.h"
#include "passes/rows/FusionKernel.h"
#include "passes/rows/GpuBlock.h"
#include "passes/rows/GpuKernels.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace drawloom {

#define GEN_PASS_DEF_LOWERPRODUCTS
#include "passes/products/Passes.h.inc"

namespace products {
namespace {

RankedTensorType tensorOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// One fusion: what its kernel takes and gives, and the launch.
class ProductLowering {
public:
  ProductLowering(FusionOp fusion, rows::LoweringContext &context, ArrayRef<int64_t> cut)
      : fusion(fusion), context(context), body(&fusion.getBody().front()),
        product(cast<MatmulOp>(body->front())), yield(cast<YieldOp>(body->getTerminator())), givenCut(cut) {}

  LogicalResult lower();

private:
  /// A value that the kernel gives, and the fusion's results that it is.
  struct Made {
    Value value;
    SmallVector<OpResult, 1> results;
    ColumnSumOp sum;        ///< null for rows and delta
    AttentionDeltaOp delta; ///< null for rows and sums
  };

  void collect();
  void describeShape();
  SmallVector<MemRefType> signature();
  RankedTensorType partialType();
  std::string describe();
  std::string kernelName();
  LogicalResult build(rows::KernelBuilder &kernel);
  LogicalResult replaceByLaunch(SymbolRefAttr kernel);
  unsigned placeOf(Value argument) const {
    return llvm::find(arguments, cast<BlockArgument>(argument).getArgNumber()) - arguments.begin();
  }
  Value outer(Value argument) { return fusion.getInputs()[cast<BlockArgument>(argument).getArgNumber()]; }

  FusionOp fusion;
  rows::LoweringContext &context;
  Block *body;
  MatmulOp product;
  YieldOp yield;
  ArrayRef<int64_t> givenCut;
  SmallVector<unsigned> arguments; ///< block arguments that the kernel takes
  SmallVector<Made> made;          ///< rows first, delta last
  Value input;                     ///< the block argument that the epilogue reads row by row, or null
  ProductSpec spec;
};

void ProductLowering::collect() {
  llvm::MapVector<Value, Made> values;
  for (OpResult result : fusion->getResults()) {
    Value value = yield.getOperand(result.getResultNumber());
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      result.replaceAllUsesWith(outer(argument));
      continue;
    }
    if (result.use_empty()) continue;
    Made &entry = values[value];
    entry.value = value;
    entry.sum = value.getDefiningOp<ColumnSumOp>();
    entry.delta = value.getDefiningOp<AttentionDeltaOp>();
    entry.results.push_back(result);
  }
  for (int kind : {0, 1, 2})
    for (auto &[value, entry] : values)
      if ((entry.delta ? 2 : entry.sum ? 1 : 0) == kind) made.push_back(entry);
  for (BlockArgument argument : body->getArguments()) {
    bool isTaken = false;
    for (OpOperand &use : argument.getUses()) {
      Operation *op = use.getOwner();
      bool isFirst = use.getOperandNumber() == 0;
      bool isRow = !isa<MatmulOp, YieldOp>(op) && (isFirst || !isa<BiasAddOp, ColumnSumOp>(op));
      if (isRow) input = argument;
      isTaken |= !isa<YieldOp>(op) && (isFirst || !isa<ColumnSumOp>(op));
    }
    if (isTaken) arguments.push_back(argument.getArgNumber());
  }
}

void ProductLowering::describeShape() {
  RankedTensorType out = tensorOf(product.getOut());
  ProductShape &shape = spec.shape;
  int64_t inner = rowLength(tensorOf(product.getA()));
  shape = {rowCount(out), rowLength(out), inner, product.getTransposeB(), 0, 0, false, /*head=*/1};
  spec.a = placeOf(product.getA());
  spec.b = placeOf(product.getB());
  if (input) spec.input = placeOf(input), shape.inputs = 1;
  unsigned next = arguments.size();
  for (Made &entry : made) {
    if (entry.delta) {
      spec.delta = next++;
      spec.deltaFactors = {entry.delta.getDout(), entry.delta.getOut()};
      shape.head = shape.columns / int64_t(entry.delta.getHeads());
      continue;
    }
    (entry.sum ? spec.sums : spec.outputs).push_back(next++);
    (entry.sum ? spec.sumValues : spec.outputValues).push_back(entry.value);
  }
  shape.outputs = spec.outputs.size();
  shape.sums = !spec.sums.empty();
  spec.cut = chooseCut(shape);
  if (givenCut.empty()) return;
  spec.cut = {givenCut[0], givenCut[1], givenCut[2], 0};
  spec.cut.launched = launchedBlocks(shape, spec.cut);
}

RankedTensorType ProductLowering::partialType() {
  return RankedTensorType::get({spec.sumRows(), spec.shape.columns}, Float32Type::get(fusion.getContext()));
}

SmallVector<MemRefType> ProductLowering::signature() {
  SmallVector<MemRefType> types;
  for (unsigned argument : arguments) types.push_back(kernelMemRefType(fusion.getInputs()[argument]));
  for (const Made &entry : made)
    types.push_back(entry.sum ? MemRefType::get(partialType().getShape(), partialType().getElementType())
                              : kernelMemRefType(entry.results.front()));
  return types;
}

/// Everything that shapes the kernel, apart from the types of its memrefs.
std::string ProductLowering::describe() {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::DenseMap<Value, unsigned> numbers;
  for (unsigned argument : arguments) numbers[body->getArgument(argument)] = numbers.size();
  os << llvm::formatv("{0},{1},{2}", spec.cut.groups, spec.cut.columns, spec.cut.stages);
  for (Operation &op : body->without_terminator()) {
    os << ";" << op.getName();
    if (&op == product && product.getTransposeB()) os << " transpose_b";
    for (Value operand : op.getOperands()) os << " " << numbers.lookup(operand);
    for (Value result : op.getResults()) {
      numbers[result] = numbers.size();
      os << " " << getElementTypeOrSelf(result);
    }
  }
  for (const Made &entry : made) os << " y" << numbers.lookup(entry.value);
  return text;
}

std::string ProductLowering::kernelName() {
  std::string name;
  for (Operation &op : body->without_terminator()) {
    StringRef mnemonic = op.getName().stripDialect();
    if (name.size() + mnemonic.size() > 64) break;
    name += (name.empty() ? "" : "_") + mnemonic.str();
  }
  return name;
}

LogicalResult ProductLowering::build(rows::KernelBuilder &kernel) {
  SmallVector<Value> memrefs(kernel.function.getArguments().take_front(arguments.size()));
  FragmentRows rows(kernel, product, arguments, memrefs);
  if (input) rows.setInput(input);
  for (Operation &op : llvm::drop_begin(body->without_terminator()))
    if (!isa<AttentionDeltaOp>(op) && failed(rows.add(&op))) return failure();
  rows::IndexBuilder k(kernel);
  MapList maps;
  ProductKernel whole(k, spec, rows, maps);
  whole.build();
  rows::setLaunchShape(kernel.function, whole.threads(), 1, whole.sharedBytes(), /*minBlocks=*/1);
  return success();
}

LogicalResult ProductLowering::replaceByLaunch(SymbolRefAttr kernel) {
  OpBuilder b(fusion);
  SmallVector<Value> operands;
  for (unsigned argument : arguments) operands.push_back(fusion.getInputs()[argument]);
  SmallVector<Type> types;
  for (const Made &entry : made)
    types.push_back(entry.sum ? Type(partialType()) : entry.results.front().getType());
  const ProductShape &shape = spec.shape;
  int64_t flops = 0;
  for (Operation &op : body->without_terminator())
    flops += rows::flopsPerElement(&op) * shape.rows * shape.columns;
  StringRef label = rows::labelOf(fusion);
  LaunchOp launch = rows::createLaunch(
      context, b, {fusion.getLoc(), types, operands, kernel, spec.cut.launched, {}, {}, label, flops});
  // A tile of the input is read before the tile of the first output is written.
  if (spec.input && !spec.outputs.empty() &&
      kernelMemRefType(outer(input)) == kernelMemRefType(made.front().results.front())) {
    SmallVector<int64_t> reuse(made.size(), -1);
    reuse.front() = *spec.input;
    launch->setAttr(kReuseAttr, b.getDenseI64ArrayAttr(reuse));
  }
  SmallVector<rows::PartialSum> sums;
  SmallVector<const Made *> sumsOf;
  for (auto [entry, value] : llvm::zip_equal(made, launch.getOutputs())) {
    if (!entry.sum) {
      for (OpResult result : entry.results) result.replaceAllUsesWith(value);
      continue;
    }
    Value init = entry.sum.getInit() ? outer(entry.sum.getInit()) : Value();
    for (OpResult result : entry.results)
      if (Value other = context.sumInits.lookup(result)) init = other;
    sums.push_back({value, init, tensorOf(entry.value)});
    sumsOf.push_back(&entry);
  }
  if (sums.empty()) return success();
  FailureOr<SmallVector<Value>> totals = rows::sumPartials(context, b, fusion.getLoc(), sums, label);
  if (failed(totals)) return failure();
  for (auto [entry, total] : llvm::zip_equal(sumsOf, *totals))
    for (OpResult result : entry->results) result.replaceAllUsesWith(total);
  return success();
}

LogicalResult ProductLowering::lower() {
  collect();
  if (!made.empty()) {
    describeShape();
    FailureOr<SymbolRefAttr> kernel =
        context.kernels.get(describe(), kernelName(), fusion.getLoc(), signature(), 0,
                            [&](rows::KernelBuilder &kernel) { return build(kernel); });
    if (failed(kernel) || failed(replaceByLaunch(*kernel))) return failure();
  }
  fusion.erase();
  return success();
}

/// By the kernel that can have the fusion's ops. `cut` is that of a ProductKernel or a
/// WeightGradKernel, if given.
LogicalResult lower(FusionOp fusion, rows::LoweringContext &context, ArrayRef<int64_t> cut) {
  Block &body = fusion.getBody().front();
  SmallVector<Operation *> epilogue;
  for (Operation &op : llvm::drop_begin(body.without_terminator())) epilogue.push_back(&op);
  std::optional<Method> method = methodFor(cast<MatmulOp>(body.front()), epilogue);
  if (!method)
    return fusion.emitOpError(
        "has no kernel: its product or what follows it is more than a kernel of products can do");
  if (*method == Method::WeightGrad) return lowerWeightGrad(fusion, context, cut);
  if (*method == Method::Columns) return ProductLowering(fusion, context, cut).lower();
  RowProductLowering lowering(fusion, context);
  if (failed(lowering.prepare())) return failure();
  return lowering.finish();
}

} // namespace
} // namespace products

namespace {

struct LowerProductsPass : impl::LowerProductsBase<LowerProductsPass> {
  using LowerProductsBase::LowerProductsBase;

  void runOnOperation() override {
    if (!cut.empty() && cut.size() != 3) {
      getOperation().emitError("expected cut to be 3 numbers, got ") << cut.size();
      return signalPassFailure();
    }
    rows::LoweringContext context(getOperation(), rows::Machine::Gpu, /*lanes=*/4);
    SmallVector<FusionOp> fusions;
    auto isProduct = [](Operation *op) {
      auto fusion = dyn_cast<FusionOp>(op);
      return fusion && fusion.getProduct();
    };
    getOperation().walk([&](FusionOp fusion) {
      if (isProduct(fusion)) fusions.push_back(fusion);
    });
    rows::foldAddsIntoSums(getOperation(), context, isProduct);
    for (FusionOp fusion : fusions) {
      if (target != "sm_90a") {
        fusion.emitOpError("begins with a product, for which only sm_90a has a kernel, not ") << target;
        return signalPassFailure();
      }
      if (failed(products::lower(fusion, context, cut))) return signalPassFailure();
    }
    numLaunches += context.launches;
  }
};

} // namespace
} // namespace drawloom
