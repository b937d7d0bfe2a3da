#include "dialect/gpu/Gpu.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "passes/Names.h"
#include "passes/memory/Places.h"
#include "passes/tiles/Barriers.h"
#include "passes/tiles/BlockEmitter.h"
#include "passes/tiles/Passes.h"

using namespace mlir;

namespace drawloom {
#define GEN_PASS_DEF_DISTRIBUTETILES
#include "passes/tiles/Passes.h.inc"

namespace {

using namespace tiles;

constexpr int64_t kBaseAlignment = 64; // of a buffer

bool isTileOp(Operation *op) {
  return isa<TileLoadOp, TileStoreOp, TileFillOp, TileMatmulOp, TileExtentsOp, TileMaskOp, TileSoftmaxStepOp,
             TileSoftmaxFinishOp, TileSoftmaxGradOp, TileDotOp>(op);
}

/// A tile of `op` that is no allocation of the kernel, or null.
Value foreignTile(Operation *op) {
  for (OpOperand &operand : op->getOpOperands()) {
    bool isMemory = isa<TileLoadOp, TileStoreOp>(op) && operand.getOperandNumber() == 1;
    if (isa<MemRefType>(operand.get().getType()) && !isMemory &&
        !operand.get().getDefiningOp<memref::AllocaOp>())
      return operand.get();
  }
  return {};
}

/// For each kernel, how far its memrefs are aligned in all launches; those without a place lie at a buffer's
/// start.
class Alignments {
public:
  explicit Alignments(Operation *root) {
    root->walk([&](LaunchOp launch) {
      SmallVector<Value> memrefs(launch.getInputs());
      for (OpResult result : launch->getResults())
        if (launch.getInplace().empty() || launch.getInplace()[result.getResultNumber()] < 0)
          memrefs.push_back(result);
      auto &ofKernel = byKernel[launch.getKernel().getLeafReference()];
      ofKernel.resize(memrefs.size(), kBaseAlignment);
      for (auto [alignment, memref] : llvm::zip(ofKernel, memrefs))
        if (std::optional<Place> place = placeOf(memref)) alignment = std::gcd(alignment, place->offset);
    });
  }

  int64_t of(func::FuncOp kernel, unsigned argument) const {
    auto it = byKernel.find(kernel.getSymNameAttr());
    return it == byKernel.end() || argument >= it->second.size() ? kBaseAlignment : it->second[argument];
  }

private:
  llvm::DenseMap<StringAttr, SmallVector<int64_t>> byKernel;
};

/// One kernel's tiles to the threads of a block.
class KernelDistributor {
public:
  KernelDistributor(func::FuncOp kernel, BlockContext context, int64_t sharedLimit)
      : kernel(kernel), context(std::move(context)), sharedLimit(sharedLimit), b(kernel.getContext()) {}

  LogicalResult run() {
    collect();
    for (Operation *op : ops)
      if (isTileOp(op) && foreignTile(op))
        return op->emitOpError() << "expected tiles to be allocations of the kernel, got " << foreignTile(op);
    int64_t bytes = layOutSharedMemory(kernel, buffers, own);
    if (bytes > sharedLimit)
      return kernel.emitError()
             << "expected tiles of at most " << sharedLimit << " bytes of shared memory a block, got "
             << bytes << "; choose smaller tiles (query-tile and key-tile of drawloom-lower-attention)";
    DenseSet<Operation *> barriers = findBarriers(kernel, buffers, own);
    placeBuffers(bytes);
    for (Operation *op : ops) lower(op, barriers.contains(op));
    for (memref::AllocaOp tile : tileAllocas) tile.erase();
    kernel->setAttr(kThreadsAttr, b.getI64IntegerAttr(context.threads));
    kernel->setAttr(kSharedAttr, b.getI64IntegerAttr(bytes));
    return success();
  }

private:
  void collect() {
    kernel.walk([](TilePrefetchOp op) { op.erase(); });
    kernel.walk([&](Operation *op) {
      if (auto tile = dyn_cast<memref::AllocaOp>(op)) {
        tileAllocas.push_back(tile);
        auto shape = tile.getType().getShape();
        int64_t rows = shape.size() == 2 ? shape[0] : 1,
                elementBytes = tile.getType().getElementType().isIndex() ? 8 : 4;
        int64_t columns = tile.getType().getElementType().isIndex() ? shape.back() : padded(shape);
        buffers.push_back({tile, rows * columns * elementBytes});
      }
      if (touchesMemory(op)) ops.push_back(op);
    });
    // An operation's own scratch is named by an allocation before it, which goes away with the tiles.
    for (Operation *op : ops)
      if (int64_t elements = scratchElements(op, context.threads)) {
        int64_t columns = scratchColumns(op);
        b.setInsertionPoint(op);
        auto type = MemRefType::get({elements / columns, columns}, b.getF32Type());
        auto scratch = memref::AllocaOp::create(b, op->getLoc(), type);
        tileAllocas.push_back(scratch);
        own[op] = scratch;
        buffers.push_back({scratch, elements * int64_t(sizeof(float))});
      }
  }

  static int64_t padded(ArrayRef<int64_t> shape) {
    return shape.size() == 2 ? paddedColumns(shape[1]) : shape[0];
  }

  static int64_t scratchColumns(Operation *op) {
    if (auto dot = dyn_cast<TileDotOp>(op)) return shapeOf(dot.getOut())[0];
    return shapeOf(cast<TileSoftmaxStepOp>(op).getM())[0];
  }

  /// Views of one array, at the start of the kernel.
  void placeBuffers(int64_t bytes) {
    b.setInsertionPointToStart(&kernel.getBody().front());
    Location loc = kernel.getLoc();
    auto space = context.takesTurns
                     ? Attribute()
                     : gpu::AddressSpaceAttr::get(b.getContext(), gpu::AddressSpace::Workgroup);
    Value array;
    if (context.takesTurns) {
      array = memref::AllocaOp::create(b, loc, MemRefType::get({bytes}, b.getI8Type()),
                                       b.getI64IntegerAttr(kSharedAlignment));
    } else {
      auto type = MemRefType::get({ShapedType::kDynamic}, b.getI8Type(), MemRefLayoutAttrInterface(), space);
      array = gpu::DynamicSharedMemoryOp::create(b, loc, type);
      context.thread = gpu::ThreadIdOp::create(b, loc, b.getIndexType(), gpu::Dimension::x);
    }
    for (const SharedBuffer &buffer : buffers) {
      auto tile = cast<MemRefType>(buffer.value.getType());
      SmallVector<int64_t> shape(tile.getShape());
      bool isScratch = llvm::any_of(own, [&](auto &entry) { return entry.second == buffer.value; });
      if (tile.getElementType().isF32() && !isScratch) shape.back() = padded(tile.getShape());
      auto type = MemRefType::get(shape, tile.getElementType(), MemRefLayoutAttrInterface(), space);
      Value offset = arith::ConstantIndexOp::create(b, loc, buffer.offset);
      context.shared[buffer.value] = memref::ViewOp::create(b, loc, type, array, offset, ValueRange());
    }
    for (auto [op, scratch] : own) context.scratch[op] = context.shared[scratch];
  }

  void lower(Operation *op, bool waits) {
    b.setInsertionPoint(op);
    BlockEmitter e(b, op->getLoc(), context);
    if (waits) e.barrier();
    llvm::TypeSwitch<Operation *>(op)
        .Case<TileLoadOp, TileStoreOp, TileFillOp, TileMatmulOp, TileExtentsOp, TileMaskOp, TileSoftmaxStepOp,
              TileSoftmaxFinishOp, TileSoftmaxGradOp, TileDotOp>([&](auto tileOp) {
          distribute(tileOp, e);
          tileOp.erase();
        });
  }

  func::FuncOp kernel;
  BlockContext context;
  int64_t sharedLimit;
  OpBuilder b;
  SmallVector<memref::AllocaOp> tileAllocas;
  std::vector<Operation *> ops;
  std::vector<SharedBuffer> buffers;
  OwnScratch own;
};

struct DistributeTiles : impl::DistributeTilesBase<DistributeTiles> {
  using Base::Base;

  void runOnOperation() override {
    if (threads < 32 || threads > 1024 || threads % 32 != 0) {
      getOperation()->emitError("expected threads to be a multiple of 32 from 32 to 1024, got ")
          << threads.getValue();
      return signalPassFailure();
    }
    int64_t limit = sharedLimit ? sharedLimit : sharedMemoryOf(target);
    Alignments alignments(getOperation());
    SmallVector<func::FuncOp> kernels;
    getOperation()->walk([&](func::FuncOp function) {
      if (function
              .walk([](Operation *op) {
                return isTileOp(op) ? WalkResult::interrupt() : WalkResult::advance();
              })
              .wasInterrupted())
        kernels.push_back(function);
    });
    for (func::FuncOp kernel : kernels) {
      BlockContext context;
      context.threads = threads;
      context.takesTurns = takesTurns;
      for (BlockArgument argument : kernel.getArguments())
        context.alignment[argument] = alignments.of(kernel, argument.getArgNumber());
      if (failed(KernelDistributor(kernel, std::move(context), limit).run())) return signalPassFailure();
    }
  }
};

} // namespace
} // namespace drawloom
