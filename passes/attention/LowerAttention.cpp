#include "dialect/gpu/Gpu.h"
#include "dialect/pattern/BoxView.h"
#include "dialect/pattern/FlattenSlices.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "passes/attention/Lowering.h"
#include "passes/attention/Passes.h"
#include "passes/attention/gpu/WindowPlan.h"
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

/// The answer that is known, or else what `find` gives.
template <class Answers, class Question, class Find>
static auto answer(Answers &known, const Question &question, Find find) {
  auto at = known.find(question);
  if (at == known.end()) at = known.try_emplace(question, find()).first;
  return at->second;
}

ViewFacts Context::factsOf(ViewAttr view, const Shape &shape) {
  return answer(facts, Question(view, shape.n, shape.heads),
                [&] { return attention::factsOf(toView(view), shape.n, shape.heads); });
}

ViewAttr Context::inPositions(ViewAttr view, int64_t n) {
  return answer(flat, Question(view, n, 0), [&] {
    std::optional<PieceView> inOrder = drawloom::inPositions(toView(view), n);
    return inOrder ? ViewAttr::get(view.getContext(), *inOrder) : ViewAttr();
  });
}

bool Context::queriesAreBoxes(ViewAttr view, int64_t tile) {
  return answer(boxes, Question(view, tile, 0), [&] { return boxOfQueries(toView(view), tile).has_value(); });
}

bool Context::keysAreBoxes(ViewAttr view, int64_t tile) {
  return answer(boxes, Question(view, tile, 1),
                [&] { return boxOfKeys(toView(view), tile, /*attendedOnly=*/true).has_value(); });
}

std::optional<int64_t> Context::windowWidth(ViewAttr view) {
  return answer(widths, view, [&] { return attention::windowWidth(view); });
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

std::string problemOf(StringRef op, Value q, const Shape &s, ArrayRef<ViewAttr> views, bool continues,
                      const Context &context) {
  std::string text;
  llvm::raw_string_ostream out(text);
  out << op << " " << cast<RankedTensorType>(q.getType()).getElementType() << " n=" << s.n << " batch=" << s.batch
      << " heads=" << s.heads << " d=" << s.dQk << "/" << s.dV << (continues ? " continues" : "") << " on "
      << context.options.target << " view=";
  llvm::interleave(views, out, [&](ViewAttr view) { out << digest(view); }, "+");
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
    if (!forwardCut.empty() && forwardCut.size() != 9) {
      getOperation()->emitError("expected forward-cut to be 9 numbers, got ") << forwardCut.size();
      return signalPassFailure();
    }
    rows::KernelLibrary kernels(getOperation());
    attention::Context context(getOperation(), kernels, {queryTile, keyTile, minItems, target,
                                         llvm::SmallVector<int64_t, 9>(forwardCut.begin(), forwardCut.end()),
                                         cacheBytes, relay});
    SmallVector<Operation *> ops;
    getOperation()->walk([&](Operation *op) {
      if (!isa<AttendOp, AttendGradOp, AttentionDeltaOp, AttentionDecodeOp>(op)) return;
      if (!isa<FusionOp>(op->getParentOp())) ops.push_back(op); // a product's kernel makes delta there
    });
    for (Operation *op : ops) {
      if (context.merged.contains(op)) continue;
      LogicalResult lowered = failure();
      llvm::TypeSwitch<Operation *>(op).Case<AttendOp, AttendGradOp, AttentionDeltaOp, AttentionDecodeOp>(
          [&](auto attentionOp) { lowered = attention::lower(attentionOp, context); });
      if (failed(lowered)) return signalPassFailure();
    }
    context.choices.finish();
    numLaunches += context.launches;
  }
};

} // namespace
} // namespace drawloom
