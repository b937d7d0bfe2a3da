// Partial sums on a GPU: a block adds up 32 columns, warp w the items w, w + warps, ...; then the warps' sums
// are added in order.
#include "passes/rows/Chunks.h"
#include "passes/rows/ColumnKernels.h"
#include "passes/rows/GpuBlock.h"
#include "passes/rows/GpuKernels.h"
#include "passes/rows/VectorMath.h"
#include "llvm/ADT/bit.h"

using namespace mlir;

namespace drawloom::rows {

/// Warps of a block: each has at least four items to add.
static int64_t warpsFor(int64_t items) {
  return std::min<int64_t>(32, llvm::bit_ceil(uint64_t(ceilDiv(items, 4))));
}

/// Emits what a block does for the 32 columns of block `columns` of one sum.
static void emitColumns(GpuBlock block, Value columnBlock, Value partials, Value out, bool hasInit) {
  auto type = cast<MemRefType>(partials.getType());
  int64_t items = type.getDimSize(0), width = type.getDimSize(1), warps = warpsFor(items);
  OpBuilder &b = block.b;
  Location loc = block.loc;
  Type f64 = b.getF64Type();
  Value thread = block.thread(), lane = block.rem(thread, kWarp), warp = block.div(thread, kWarp);
  Value column = block.add(block.mul(columnBlock, kWarp), lane);
  Value owns = width % kWarp ? block.less(column, block.index(width)) : Value();
  Value readable = owns ? block.min(column, block.index(width - 1)) : column;
  Value zero = vecmath::constant(b, loc, f64, 0.0);
  // Eight loads are on their way at a time; items beyond the last count as zeros.
  constexpr int64_t together = 8;
  int64_t turn = warps * together;
  bool isWhole = items % turn == 0;
  Value sum =
      accumulateLoop(b, loc, warp, block.index(ceilDiv(items, turn) * turn), block.index(turn), zero,
                     [&](OpBuilder &b, Value item, Value carried) -> Value {
                       GpuBlock at{b, loc};
                       SmallVector<Value> parts;
                       for (int64_t k = 0; k < together; ++k) {
                         Value own = at.add(item, at.index(k * warps));
                         Value safe = isWhole ? own : at.min(own, at.index(items - 1));
                         Value one = memref::LoadOp::create(b, loc, partials, ValueRange{safe, readable});
                         if (!isWhole)
                           one = arith::SelectOp::create(b, loc, at.less(own, at.index(items)), one,
                                                         vecmath::constant(b, loc, one.getType(), 0.0));
                         parts.push_back(one);
                       }
                       for (Value part : parts)
                         carried =
                             arith::AddFOp::create(b, loc, carried, arith::ExtFOp::create(b, loc, f64, part));
                       return carried;
                     });
  Value memory = block.shared({warps, kWarp}, f64);
  memref::StoreOp::create(b, loc, sum, memory, ValueRange{warp, lane});
  block.barrier();
  Value isFirst = block.isZero(warp);
  Value writes = owns ? arith::AndIOp::create(b, loc, isFirst, owns).getResult() : isFirst;
  block.when(writes, [&](GpuBlock then) {
    Value total = zero;
    if (hasInit) {
      Value old = memref::LoadOp::create(then.b, loc, out, column);
      total = arith::ExtFOp::create(then.b, loc, f64, old);
    }
    for (int64_t w = 0; w < warps; ++w)
      total = arith::AddFOp::create(
          then.b, loc, total, memref::LoadOp::create(then.b, loc, memory, ValueRange{then.index(w), lane}));
    memref::StoreOp::create(then.b, loc, arith::TruncFOp::create(then.b, loc, then.b.getF32Type(), total),
                            out, column);
  });
  block.barrier(); // before the next item writes to shared memory
}

/// `outs`: the kernel's memrefs that the sums go to. A sum's work items follow those of the sums before it.
static void buildSums(KernelBuilder &kernel, ArrayRef<PartialSum> sums, ArrayRef<unsigned> outs) {
  SmallVector<Value> flatOuts;
  for (unsigned out : outs) flatOuts.push_back(asFlat(kernel, kernel.memref(out)));
  plainLoop(
      kernel.b, kernel.loc, kernel.begin(), kernel.end(), kernel.index(1), [&](OpBuilder &b, Value item) {
        int64_t first = 0;
        for (auto [k, sum] : llvm::enumerate(sums)) {
          GpuBlock block{b, kernel.loc};
          int64_t blocks = ceilDiv(cast<RankedTensorType>(sum.partials.getType()).getDimSize(1), kWarp);
          Value own = block.sub(item, block.index(first)); // of an earlier sum's items: very large
          block.when(sums.size() > 1 ? block.less(own, block.index(blocks)) : Value(), [&](GpuBlock then) {
            emitColumns(then, own, kernel.memref(k), flatOuts[k], bool(sum.init));
          });
          first += blocks;
        }
      });
}

FailureOr<SmallVector<Value>> sumPartialsOnGpu(LoweringContext &context, OpBuilder &b, Location loc,
                                               ArrayRef<PartialSum> sums, StringRef label) {
  SmallVector<MemRefType> memrefs;
  SmallVector<Value> operands;
  SmallVector<int64_t> inplace;
  SmallVector<Type> results;
  std::string key = "gpu";
  int64_t grid = 0, flops = 0;
  auto memrefOf = [](Type tensor) {
    auto type = cast<RankedTensorType>(tensor);
    return MemRefType::get(type.getShape(), type.getElementType());
  };
  for (const PartialSum &sum : sums) {
    auto type = cast<RankedTensorType>(sum.partials.getType());
    memrefs.push_back(memrefOf(type));
    operands.push_back(sum.partials);
    grid += ceilDiv(type.getDimSize(1), kWarp);
    flops += type.getNumElements();
  }
  SmallVector<unsigned> outs(sums.size());
  for (auto [k, sum] : llvm::enumerate(sums)) {
    results.push_back(sum.result);
    inplace.push_back(sum.init ? int64_t(operands.size()) : -1);
    key += sum.init ? " init" : " new";
    if (!sum.init) continue;
    outs[k] = operands.size();
    operands.push_back(sum.init);
    memrefs.push_back(memrefOf(sum.result));
  }
  for (auto [k, sum] : llvm::enumerate(sums)) {
    if (sum.init) continue;
    outs[k] = memrefs.size();
    memrefs.push_back(memrefOf(sum.result));
  }
  if (llvm::all_of(inplace, [](int64_t tie) { return tie < 0; })) inplace.clear();
  int64_t warps = warpsFor(cast<RankedTensorType>(operands.front().getType()).getDimSize(0));
  FailureOr<SymbolRefAttr> kernel =
      context.kernels.get(key, "sum_partials", loc, memrefs, 0, [&](KernelBuilder &kernel) {
        buildSums(kernel, sums, outs);
        setLaunchShape(kernel.function, warps * kWarp, 1, warps * kWarp * 8);
        return success();
      });
  if (failed(kernel)) return failure();
  LaunchOp launch =
      createLaunch(context, b, {loc, results, operands, *kernel, grid, {}, inplace, label, flops});
  return SmallVector<Value>(launch.getOutputs());
}

} // namespace drawloom::rows
