// drawloom-fuse-products: row ops that read a product become its epilogue.
#include "passes/Passes.h"
#include "passes/attention/DeltaLaunches.h"
#include "passes/graph/Outline.h"
#include "passes/graph/ProductEpilogue.h"
#include "passes/memory/Layout.h"

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_FUSEPRODUCTS
#include "passes/Passes.h.inc"

namespace {

struct FuseProducts : impl::FuseProductsBase<FuseProducts> {
  using FuseProductsBase::FuseProductsBase;

  void runOnOperation() override {
    if (target != "sm_90a") return;
    deltas.emplace(getOperation(), target);
    SmallVector<MatmulOp> products;
    getOperation().walk([&](MatmulOp product) {
      if (!isa<FusionOp>(product->getParentOp())) products.push_back(product);
    });
    for (MatmulOp product : products) fuse(product);
  }

  void fuse(MatmulOp product) {
    if (product.getTransposeA()) return fuseWeightGrad(product);
    auto out = cast<RankedTensorType>(product.getOut().getType());
    auto a = cast<RankedTensorType>(product.getA().getType());
    if (rowCount(out) < minRows) return;
    ProductEpilogue epilogue = findEpilogue(product);
    if (epilogue.chain.empty()) return fuseDelta(product);
    if (!pays(savedBytes(epilogue), operationsOf(out, rowLength(a)), ownRate)) return;
    outlineAll(product, epilogue.ops());
  }

  void fuseDelta(MatmulOp product) {
    auto out = cast<RankedTensorType>(product.getOut().getType());
    auto a = cast<RankedTensorType>(product.getA().getType());
    AttentionDeltaOp delta = deltaBeside(product);
    if (!delta || !deltas->isLaunch(delta)) return;
    if (!pays(savedByDelta(product), operationsOf(out, rowLength(a)), ownRate)) return;
    SmallVector<Operation *> ops{product, delta};
    outlineAll(product, ops);
  }

  void fuseWeightGrad(MatmulOp product) {
    auto out = cast<RankedTensorType>(product.getOut().getType());
    auto dy = cast<RankedTensorType>(product.getA().getType());
    if (rowCount(dy) < minRows) return;
    ColumnSumOp sum = biasGradBeside(product);
    if (!sum) return;
    if (!pays(savedByBiasGrad(product), operationsOf(out, rowCount(dy)), weightGradRate)) return;
    SmallVector<Operation *> ops{product, sum};
    outlineAll(product, ops);
  }

  static double operationsOf(RankedTensorType out, int64_t inner) {
    return 2.0 * double(out.getNumElements()) * double(inner);
  }

  /// `own`: 10^12 operations a second of our kernel.
  bool pays(int64_t saved, double operations, double own) {
    constexpr double kTera = 1e12;
    return paysForItself(saved, operations, {libraryRate * kTera, own * kTera, memoryRate * kTera});
  }

  /// In the product's place.
  void outlineAll(MatmulOp product, ArrayRef<Operation *> ops) {
    OpBuilder builder(product);
    outline(builder, ops);
    ++numProducts;
    numOps += ops.size() - 1;
  }

  std::optional<attention::DeltaLaunches> deltas; ///< of the module
};

} // namespace
} // namespace drawloom
