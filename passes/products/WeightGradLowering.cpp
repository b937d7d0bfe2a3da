#include "passes/products/WeightGradLowering.h"
#include "passes/memory/Layout.h"
#include "passes/products/WeightGradKernel.h"
#include "passes/rows/GpuBlock.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace drawloom::products {
namespace {

RankedTensorType tensorOf(Value value) { return cast<RankedTensorType>(value.getType()); }

class Lowering {
public:
  Lowering(FusionOp fusion, rows::LoweringContext &context, ArrayRef<int64_t> cut)
      : fusion(fusion), context(context), body(&fusion.getBody().front()),
        product(cast<MatmulOp>(body->front())) {
    for (auto op : body->getOps<ColumnSumOp>()) sum = op;
    WeightGradShape &shape = spec.shape;
    RankedTensorType dy = tensorOf(product.getA()), x = tensorOf(product.getB());
    shape = {rowCount(dy), rowLength(dy), rowLength(x)};
    spec.cut = cut.empty() ? chooseGradCut(shape) : gradCut(shape, cut[0], cut[1], cut[2]);
    spec.dy = 0, spec.x = 1, spec.products = 2;
    if (sum) spec.sums = 3;
  }

  LogicalResult lower() {
    FailureOr<LaunchOp> partial = makePartials();
    if (failed(partial) || failed(addUp(*partial))) return failure();
    fusion.erase();
    return success();
  }

private:
  Value outer(Value argument) {
    return argument ? Value(fusion.getInputs()[cast<BlockArgument>(argument).getArgNumber()]) : Value();
  }
  SmallVector<OpResult> resultsOf(Value value) {
    SmallVector<OpResult> results;
    for (auto [yielded, result] : llvm::zip_equal(body->getTerminator()->getOperands(), fusion->getResults()))
      if (yielded == value) results.push_back(result);
    return results;
  }
  MemRefType plain(Type type) {
    auto tensor = cast<RankedTensorType>(type);
    return MemRefType::get(tensor.getShape(), tensor.getElementType());
  }
  SmallVector<Type> partialTypes() {
    Type f32 = Float32Type::get(fusion.getContext());
    SmallVector<Type> types{RankedTensorType::get(spec.productsExtents(), f32)};
    if (sum) types.push_back(RankedTensorType::get({spec.cut.partials(spec.shape), spec.cut.outputs()}, f32));
    return types;
  }
  /// What shapes the kernels, apart from the types of their memrefs.
  std::string describe(StringRef kernel) {
    const WeightGradCut &cut = spec.cut;
    return llvm::formatv("{0} {1},{2},{3},{4}", kernel, cut.groups, cut.columns, cut.stages, cut.blocks);
  }

  FailureOr<LaunchOp> makePartials();
  LogicalResult addUp(LaunchOp partial);

  FusionOp fusion;
  rows::LoweringContext &context;
  Block *body;
  MatmulOp product;
  ColumnSumOp sum;
  WeightGradSpec spec;
};

FailureOr<LaunchOp> Lowering::makePartials() {
  SmallVector<Value> operands{outer(product.getA()), outer(product.getB())};
  SmallVector<Type> types = partialTypes();
  SmallVector<MemRefType> memrefs{kernelMemRefType(operands[0]), kernelMemRefType(operands[1])};
  for (Type type : types) memrefs.push_back(plain(type));
  StringRef name = sum ? "weight_grad_column_sum" : "weight_grad";
  FailureOr<SymbolRefAttr> kernel = context.kernels.get(
      describe(name), name, fusion.getLoc(), memrefs, 0, [&](rows::KernelBuilder &kernel) {
        rows::IndexBuilder k(kernel);
        MapList maps;
        WeightGradKernel whole(k, spec, maps);
        whole.build();
        rows::setLaunchShape(kernel.function, whole.threads(), 1, whole.sharedBytes(), /*minBlocks=*/1);
        return success();
      });
  if (failed(kernel)) return failure();
  const auto &[rows, outputs, inputs] = spec.shape;
  int64_t flops = 2 * rows * outputs * inputs + (sum ? rows * outputs : 0);
  OpBuilder b(fusion);
  return rows::createLaunch(
      context, b,
      {fusion.getLoc(), types, operands, *kernel, spec.cut.blocks, {}, {}, rows::labelOf(fusion), flops});
}

LogicalResult Lowering::addUp(LaunchOp partial) {
  SmallVector<Value> made{product.getOut()}, inits{outer(product.getInit())};
  if (sum) {
    Value init = outer(sum.getInit());
    for (OpResult result : resultsOf(sum.getOut()))
      if (Value other = context.sumInits.lookup(result)) init = other;
    made.push_back(sum.getOut()), inits.push_back(init);
  }
  SmallVector<Value> operands(partial.getOutputs());
  SmallVector<MemRefType> memrefs;
  for (Value operand : operands) memrefs.push_back(plain(operand.getType()));
  SmallVector<unsigned> places;
  SmallVector<int64_t> inplace(made.size(), -1);
  SmallVector<Type> types;
  std::string key = describe("add up");
  // Inits come before results of their own.
  for (auto [k, init] : llvm::enumerate(inits)) {
    types.push_back(made[k].getType());
    key += init ? " init" : " new";
    if (!init) continue;
    inplace[k] = operands.size();
    operands.push_back(init);
    memrefs.push_back(plain(init.getType()));
  }
  for (auto [k, init] : llvm::enumerate(inits)) {
    places.push_back(init ? inplace[k] : memrefs.size());
    if (!init) memrefs.push_back(plain(made[k].getType()));
  }
  WeightGradTotals::Places where{0, places[0], {}, {}, bool(inits[0]), sum && inits[1]};
  if (sum) where.sums = 1, where.biases = places[1];
  FailureOr<SymbolRefAttr> kernel = context.kernels.get(
      key, "weight_grad_total", fusion.getLoc(), memrefs, 0, [&](rows::KernelBuilder &kernel) {
        rows::IndexBuilder k(kernel);
        WeightGradTotals(k, spec, where).build();
        rows::setLaunchShape(kernel.function, WeightGradTotals::kThreads, 1, 0);
        return success();
      });
  if (failed(kernel)) return failure();
  if (llvm::all_of(inits, [](Value init) { return !init; })) inplace.clear();
  OpBuilder b(fusion);
  int64_t additions = 0;
  for (Value operand : partial.getOutputs()) additions += tensorOf(operand).getNumElements();
  LaunchOp launch = rows::createLaunch(context, b,
                                       {fusion.getLoc(),
                                        types,
                                        operands,
                                        *kernel,
                                        WeightGradTotals::blocks(spec),
                                        {},
                                        inplace,
                                        rows::labelOf(fusion),
                                        additions});
  for (auto [value, total] : llvm::zip_equal(made, launch.getOutputs()))
    for (OpResult result : resultsOf(value)) result.replaceAllUsesWith(total);
  return success();
}

} // namespace

LogicalResult lowerWeightGrad(FusionOp fusion, rows::LoweringContext &context, ArrayRef<int64_t> cut) {
  if (!cut.empty() && cut[0] > kMostGradGroups)
    return fusion.emitOpError("is a weight's gradient: expected a cut of at most ")
           << kMostGradGroups << " warp groups, got " << cut[0];
  return Lowering(fusion, context, cut).lower();
}

} // namespace drawloom::products
