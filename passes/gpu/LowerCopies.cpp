// Copies between global and shared memory.
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "passes/gpu/AsmBuilder.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace drawloom::dgpu {
namespace {

constexpr AsmTraits kMemory{.touchesMemory = true};

/// One copy a panel; `text` makes the instruction from the list of coordinates. Operands: shared address,
/// map, coordinates, then `last`.
LogicalResult copyPanels(const AsmBuilder &a, TypedValue<TileType> tile, Value map, ValueRange coordinates,
                         Value last, llvm::function_ref<std::string(StringRef)> text) {
  auto start = a.tileAddress(tile);
  if (failed(start)) return failure();
  std::string list;
  for (size_t i = 0; i < coordinates.size(); ++i) list += (i ? ", $" : "$") + std::to_string(2 + i);
  TileType type = tile.getType();
  for (int64_t panel = 0; panel < type.panels(); ++panel) {
    SmallVector<Value> operands{a.add(*start, a.i32(panel * type.panelBytes())), map};
    operands.append(coordinates.begin(), coordinates.end());
    operands[2] = a.add(operands[2], a.i32(panel * type.panelColumns()));
    if (last) operands.push_back(last);
    a.assembly(text(list), {}, operands, kMemory);
  }
  return success();
}

struct LowerTmaLoad : OpRewritePattern<TmaLoadOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TmaLoadOp op, PatternRewriter &rewriter) const override {
    AsmBuilder a(rewriter, op.getLoc());
    size_t rank = op.getCoordinates().size();
    auto text = [&](StringRef list) {
      return llvm::formatv("cp.async.bulk.tensor.{0}d.shared::cluster.global.mbarrier::complete_tx::bytes "
                           "[$0], [$1, {{{1}}], [${2}];",
                           rank, list, 2 + rank)
          .str();
    };
    if (failed(copyPanels(a, op.getTile(), op.getMap(), op.getCoordinates(), a.sharedAddress(op.getBarrier()),
                          text)))
      return failure();
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerTmaPrefetch : OpRewritePattern<TmaPrefetchOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TmaPrefetchOp op, PatternRewriter &rewriter) const override {
    AsmBuilder a(rewriter, op.getLoc());
    size_t rank = op.getCoordinates().size();
    std::string list;
    for (size_t i = 0; i < rank; ++i) list += (i ? ", $" : "$") + std::to_string(1 + i);
    SmallVector<Value> operands{op.getMap()};
    operands.append(op.getCoordinates().begin(), op.getCoordinates().end());
    a.assembly(
        llvm::formatv("cp.async.bulk.prefetch.tensor.{0}d.L2.global.tile [$0, {{{1}}];", rank, list).str(),
        {}, operands);
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerTmaStore : OpRewritePattern<TmaStoreOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TmaStoreOp op, PatternRewriter &rewriter) const override {
    AsmBuilder a(rewriter, op.getLoc());
    auto text = [&](StringRef list) {
      return llvm::formatv("cp.async.bulk.tensor.{0}d.global.shared::cta.bulk_group [$1, {{{1}}], [$0];",
                           op.getCoordinates().size(), list)
          .str();
    };
    if (failed(copyPanels(a, op.getTile(), op.getMap(), op.getCoordinates(), {}, text))) return failure();
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerBulkLoad : OpRewritePattern<BulkLoadOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BulkLoadOp op, PatternRewriter &rewriter) const override {
    AsmBuilder a(rewriter, op.getLoc());
    Value source = a.globalAddress(cast<TypedValue<MemRefType>>(op.getSource()), op.getIndices());
    a.assembly("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [$0], [$1], $2, [$3];", {},
               {a.sharedAddress(op.getOffset()), source, op.getBytes(), a.sharedAddress(op.getBarrier())},
               kMemory);
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerBulkStore : OpRewritePattern<BulkStoreOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BulkStoreOp op, PatternRewriter &rewriter) const override {
    AsmBuilder a(rewriter, op.getLoc());
    Value target = a.globalAddress(cast<TypedValue<MemRefType>>(op.getTarget()), op.getIndices());
    a.assembly(op.getAdd() ? "cp.reduce.async.bulk.global.shared::cta.bulk_group.add.f32 [$0], [$1], $2;"
                           : "cp.async.bulk.global.shared::cta.bulk_group [$0], [$1], $2;",
               {}, {target, a.sharedAddress(op.getOffset()), op.getBytes()}, kMemory);
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerStoreEvictLast : OpRewritePattern<StoreEvictLastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(StoreEvictLastOp op, PatternRewriter &rewriter) const override {
    AsmBuilder a(rewriter, op.getLoc());
    Value target = a.globalAddress(cast<TypedValue<MemRefType>>(op.getTarget()), op.getIndices());
    a.assembly("{ .reg .b64 policy; createpolicy.fractional.L2::evict_last.b64 policy, 1.0; "
               "st.global.L2::cache_hint.f32 [$0], $1, policy; }",
               {}, {target, op.getValue()}, kMemory);
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerCopyAsync : OpRewritePattern<CopyAsyncOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CopyAsyncOp op, PatternRewriter &rewriter) const override {
    AsmBuilder a(rewriter, op.getLoc());
    auto start = a.tileAddress(op.getTile());
    if (failed(start)) return failure();
    Value target = ChunkAddress(a, op.getTile().getType(), *start, op.getRow()).atDynamic(op.getChunk());
    Value source = a.globalAddress(cast<TypedValue<MemRefType>>(op.getSource()), op.getIndices());
    if (op.getValid())
      a.assembly("cp.async.cg.shared.global [$0], [$1], 16, $2;", {},
                 {target, source, a.mul(a.toI32(op.getValid()), 16)}, kMemory);
    else
      a.assembly("cp.async.cg.shared.global [$0], [$1], 16;", {}, {target, source}, kMemory);
    rewriter.eraseOp(op);
    return success();
  }
};

/// The last parameters of an entry are its tensor maps.
struct LowerTensorMap : OpRewritePattern<TensorMapOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TensorMapOp op, PatternRewriter &rewriter) const override {
    auto function = op->getParentOfType<func::FuncOp>();
    int64_t count = function->getAttrOfType<ArrayAttr>(kTensorMapsAttr).size(),
            arguments = function.getNumArguments();
    if (arguments < count || !isa<LLVM::LLVMPointerType>(function.getArgument(arguments - count).getType()))
      return failure();
    rewriter.replaceOp(op, function.getArgument(arguments - count + op.getIndex()));
    return success();
  }
};

/// A memref's descriptor over shared memory.
struct LowerSharedArray : OpRewritePattern<SharedArrayOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SharedArrayOp op, PatternRewriter &rewriter) const override {
    AsmBuilder a(rewriter, op.getLoc());
    Location loc = op.getLoc();
    auto type = cast<MemRefType>(op.getArray().getType());
    MLIRContext *context = rewriter.getContext();
    auto pointer = LLVM::LLVMPointerType::get(context, 3);
    Type i64 = rewriter.getI64Type(), extents = LLVM::LLVMArrayType::get(i64, type.getRank());
    SmallVector<Type> fields{pointer, pointer, i64};
    if (type.getRank()) fields.append({extents, extents});
    Value base = LLVM::AddressOfOp::create(rewriter, loc, pointer, kDynamicSharedSymbol);
    Value address = LLVM::GEPOp::create(rewriter, loc, pointer, rewriter.getI8Type(), base,
                                        ArrayRef<LLVM::GEPArg>{op.getOffset()});
    Value descriptor =
        LLVM::PoisonOp::create(rewriter, loc, LLVM::LLVMStructType::getLiteral(context, fields));
    auto set = [&](Value value, ArrayRef<int64_t> place) {
      descriptor = LLVM::InsertValueOp::create(rewriter, loc, descriptor, value, place);
    };
    set(address, {0});
    set(address, {1});
    set(a.i64(0), {2});
    auto strides = type.getStridesAndOffset().first;
    for (int64_t d = 0; d < type.getRank(); ++d) {
      set(a.i64(type.getDimSize(d)), {3, d});
      set(a.i64(strides[d]), {4, d});
    }
    rewriter.replaceOpWithNewOp<UnrealizedConversionCastOp>(op, type, descriptor);
    return success();
  }
};

/// Ops without operands or results that are one instruction.
template <typename Op> struct LowerPlain : OpRewritePattern<Op> {
  LowerPlain(MLIRContext *context, std::function<std::string(Op)> text)
      : OpRewritePattern<Op>(context), text(std::move(text)) {}
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    AsmBuilder(rewriter, op.getLoc()).assembly(text(op), {}, {}, kMemory);
    rewriter.eraseOp(op);
    return success();
  }
  std::function<std::string(Op)> text;
};

struct LowerCopyAsyncArrive : OpRewritePattern<CopyAsyncArriveOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CopyAsyncArriveOp op, PatternRewriter &rewriter) const override {
    AsmBuilder a(rewriter, op.getLoc());
    a.assembly("cp.async.mbarrier.arrive.noinc.shared.b64 [$0];", {}, {a.sharedAddress(op.getBarrier())},
               kMemory);
    rewriter.eraseOp(op);
    return success();
  }
};

template <typename Op> void addPlain(RewritePatternSet &patterns, StringRef text) {
  patterns.add<LowerPlain<Op>>(patterns.getContext(), [text = text.str()](Op) { return text; });
}

} // namespace

void populateCopies(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<LowerTensorMap, LowerTmaLoad, LowerTmaPrefetch, LowerTmaStore, LowerBulkLoad, LowerBulkStore,
               LowerStoreEvictLast, LowerCopyAsync, LowerSharedArray, LowerCopyAsyncArrive>(context);
  addPlain<BulkCommitOp>(patterns, "cp.async.bulk.commit_group;");
  addPlain<CopyAsyncCommitOp>(patterns, "cp.async.commit_group;");
  addPlain<FenceAsyncSharedOp>(patterns, "fence.proxy.async.shared::cta;");
  patterns.add<LowerPlain<CopyAsyncWaitOp>>(context, [](CopyAsyncWaitOp op) {
    return "cp.async.wait_group " + std::to_string(op.getPending()) + ";";
  });
  patterns.add<LowerPlain<BulkWaitOp>>(context, [](BulkWaitOp op) {
    return std::string("cp.async.bulk.wait_group") + (op.getRead() ? ".read " : " ") +
           std::to_string(op.getPending()) + ";";
  });
}

} // namespace drawloom::dgpu
