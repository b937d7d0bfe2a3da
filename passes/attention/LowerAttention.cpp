#include "dialect/gpu/Gpu.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "passes/attention/Lowering.h"
#include "passes/attention/Passes.h"
#include "passes/tiles/SharedMemory.h"
#include "llvm/Support/Format.h"

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_LOWERATTENTION
#include "passes/attention/Passes.h.inc"

namespace attention {

Shape shapeOf(Value q, Value v, int64_t heads, double scale) {
  auto qShape = cast<RankedTensorType>(q.getType()).getShape(),
       vShape = cast<RankedTensorType>(v.getType()).getShape();
  return {qShape[0], qShape[1], heads, qShape[2] / heads, vShape[2] / heads, scale};
}

ViewFacts Context::factsOf(ViewAttr view, const Shape &shape) {
  Builder b(view.getContext());
  auto key = b.getArrayAttr({view, b.getI64IntegerAttr(shape.n), b.getI64IntegerAttr(shape.heads)});
  auto found = facts.find(key);
  if (found == facts.end())
    found = facts.try_emplace(key, attention::factsOf(toView(view), shape.n, shape.heads)).first;
  return found->second;
}

BlockTiles Context::tiles(ViewAttr view, const Shape &shape, BlockKernel kernel) {
  BlockTiles result{{options.queryTile, options.keyTile}, 0};
  if (result.sizes.queries != 0 && result.sizes.keys != 0) return result;
  BlockTiles chosen{{0, 0}, 0};
  if (options.isGpu()) {
    ViewFacts f = factsOf(view, shape);
    int64_t slices = shape.batch * int64_t(view.getHeads().size()) * (f.keysAreDisjoint ? f.slices : 1);
    chosen = chooseBlockTiles(toView(view), {kernel, shape.dQk, shape.dV, slices, f.rows, f.keys,
                                             kBlockThreads, tiles::sharedMemoryOf(options.target)});
  } else {
    chosen.sizes = chooseTileSizes(toView(view), {shape.dQk, shape.dV, kernel != BlockKernel::Forward});
  }
  result.cost = chosen.cost;
  result.sizes.queries = result.sizes.queries ? result.sizes.queries : chosen.sizes.queries;
  result.sizes.keys = result.sizes.keys ? result.sizes.keys : chosen.sizes.keys;
  return result;
}

bool goPastCaches(const Context &context, int64_t bytes, ValueRange results) {
  if (context.options.isGpu() || bytes <= context.options.cacheBytes) return false;
  auto goesOn = [](Operation *user, Value v) {
    if (auto attend = dyn_cast<AttendOp>(user)) return attend.getOut0() == v;
    auto grad = dyn_cast<AttendGradOp>(user);
    return grad && grad.getDq0() == v;
  };
  return llvm::none_of(results, [&](Value v) {
    return llvm::any_of(v.getUsers(), [&](Operation *user) { return goesOn(user, v); });
  });
}

FailureOr<LaunchOp> launch(Context &context, OpBuilder &b, Operation *op, const LaunchSpec &spec,
                           llvm::function_ref<void(const TileKernel &)> build) {
  FailureOr<SymbolRefAttr> kernel = context.kernels.get(spec.key, spec.name, op->getLoc(), spec.memrefs, 0,
                                                        [&](rows::KernelBuilder &kernel) {
                                                          build(TileKernel(kernel, context.options.isGpu()));
                                                          return success();
                                                        });
  if (failed(kernel)) return failure();
  ++context.launches;
  std::string label;
  if (auto attr = op->getAttrOfType<StringAttr>(kLabelAttr)) label = (attr.getValue() + ".").str();
  label += spec.name;
  return LaunchOp::create(b, op->getLoc(), spec.results, spec.inputs, *kernel, spec.grid, ArrayRef<int64_t>(),
                          ArrayRef<int64_t>(spec.inplace), label, spec.flops, spec.bytes);
}

Value filled(OpBuilder &b, Location loc, Type type, double value) {
  return FillOp::create(b, loc, type, b.getF64FloatAttr(value));
}

std::string describe(const Shape &s, TileSizes sizes) {
  std::string text;
  llvm::raw_string_ostream(text) << s.heads << "," << s.dQk << "," << s.dV << ","
                                 << llvm::format("%a", s.scale) << "," << sizes.queries << "," << sizes.keys
                                 << ",";
  return text;
}

std::string print(Attribute attribute) {
  std::string text;
  llvm::raw_string_ostream(text) << attribute;
  return text;
}

int64_t bytesOf(ValueRange values, int64_t viewHeads, int64_t heads) {
  int64_t bytes = 0;
  for (Value v : values) {
    auto type = cast<RankedTensorType>(v.getType());
    bytes += type.getNumElements() * type.getElementTypeBitWidth() / 8 * viewHeads / heads;
  }
  return bytes;
}

} // namespace attention

namespace {

struct LowerAttention : impl::LowerAttentionBase<LowerAttention> {
  using Base::Base;

  void runOnOperation() override {
    bool isPower = queryTile == 0 || (queryTile > 0 && llvm::isPowerOf2_64(queryTile));
    if (!isPower || keyTile < 0 || keyTile % kExtentKeys != 0) {
      getOperation()->emitError(
          "expected query-tile to be 0 or a power of two and key-tile to be a multiple of 8, got ")
          << queryTile.getValue() << " and " << keyTile.getValue();
      return signalPassFailure();
    }
    if (!forwardCut.empty() && forwardCut.size() != 8) {
      getOperation()->emitError("expected forward-cut to be 8 numbers, got ") << forwardCut.size();
      return signalPassFailure();
    }
    rows::KernelLibrary kernels(getOperation());
    attention::Context context(kernels, {queryTile, keyTile, minItems, target,
                                         llvm::SmallVector<int64_t, 8>(forwardCut.begin(), forwardCut.end()),
                                         cacheBytes, relay});
    SmallVector<Operation *> ops;
    getOperation()->walk([&](Operation *op) {
      if (isa<AttendOp, AttendGradOp, AttentionDeltaOp, AttentionDecodeOp>(op)) ops.push_back(op);
    });
    for (Operation *op : ops) {
      if (context.merged.contains(op)) continue;
      LogicalResult lowered = failure();
      llvm::TypeSwitch<Operation *>(op).Case<AttendOp, AttendGradOp, AttentionDeltaOp, AttentionDecodeOp>(
          [&](auto attentionOp) { lowered = attention::lower(attentionOp, context); });
      if (failed(lowered)) return signalPassFailure();
    }
    numLaunches += context.launches;
  }
};

} // namespace
} // namespace drawloom
