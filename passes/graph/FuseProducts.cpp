// drawloom-fuse-products: row ops that read a product become its epilogue.
#include "passes/Passes.h"
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
    SmallVector<MatmulOp> products;
    getOperation().walk([&](MatmulOp product) {
      if (!isa<FusionOp>(product->getParentOp())) products.push_back(product);
    });
    for (MatmulOp product : products) fuse(product);
  }

  void fuse(MatmulOp product) {
    auto out = cast<RankedTensorType>(product.getOut().getType());
    auto a = cast<RankedTensorType>(product.getA().getType());
    if (rowCount(out) < minRows) return;
    ProductEpilogue epilogue = findEpilogue(product);
    if (epilogue.chain.empty()) return;
    constexpr double kTera = 1e12;
    ProductRates rates{libraryRate * kTera, ownRate * kTera, memoryRate * kTera};
    int64_t inner = product.getTransposeA() ? rowCount(a) : rowLength(a);
    double operations = 2.0 * double(out.getNumElements()) * double(inner);
    if (!paysForItself(savedBytes(epilogue), operations, rates)) return;
    OpBuilder builder(product);
    SmallVector<Operation *> ops = epilogue.ops();
    outline(builder, ops);
    ++numProducts;
    numOps += ops.size() - 1;
  }
};

} // namespace
} // namespace drawloom
