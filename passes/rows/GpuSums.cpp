// Partial sums on a GPU: a block adds up 32 columns, warp w the items w, w + warps, ...; then the warps' sums
// are added in order.
#include "passes/memory/Layout.h"
#include "passes/rows/Chunks.h"
#include "passes/rows/ColumnKernels.h"
#include "passes/rows/GpuBlock.h"
#include "passes/rows/GpuKernels.h"
#include "passes/rows/TensorTable.h"
#include "passes/rows/VectorMath.h"
#include "llvm/ADT/bit.h"

using namespace mlir;

namespace drawloom::rows {

/// Warps of a block: each has at least four items to add.
static int64_t warpsFor(int64_t items) {
  return std::min<int64_t>(32, llvm::bit_ceil(uint64_t(ceilDiv(items, 4))));
}

/// Emits what a block does for the 32 columns of block `columnBlock` of a sum of `width` columns: `partials`
/// [items * width] are added up and go to `out` [width], on top of what is there if `hasInit`.
static void emitColumns(GpuBlock block, Value columnBlock, Value partials, Value out, Value width,
                        int64_t items, bool hasInit) {
  int64_t warps = warpsFor(items);
  OpBuilder &b = block.b;
  Location loc = block.loc;
  Type f64 = b.getF64Type();
  Value thread = block.thread(), lane = block.rem(thread, kWarp), warp = block.div(thread, kWarp);
  Value column = block.add(block.mul(columnBlock, kWarp), lane);
  Value owns = block.less(column, width), readable = block.min(column, block.sub(width, block.index(1)));
  Value zero = vecmath::constant(b, loc, f64, 0.0);
  // Eight loads are on their way at a time; items beyond the last count as zeros.
  constexpr int64_t together = 8;
  int64_t turn = warps * together;
  bool isWhole = items % turn == 0;
  Value sum =
      accumulateLoop(b, loc, warp, block.index(ceilDiv(items, turn) * turn), block.index(turn), zero,
                     [&](OpBuilder &b, Value item, Value carried) -> Value {
                       GpuBlock in{b, loc};
                       SmallVector<Value> parts;
                       for (int64_t k = 0; k < together; ++k) {
                         Value own = in.add(item, in.index(k * warps));
                         Value safe = isWhole ? own : in.min(own, in.index(items - 1));
                         Value at = in.add(arith::MulIOp::create(b, loc, safe, width), readable);
                         Value one = memref::LoadOp::create(b, loc, partials, at);
                         if (!isWhole)
                           one = arith::SelectOp::create(b, loc, in.less(own, in.index(items)), one,
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
  Value writes = arith::AndIOp::create(b, loc, isFirst, owns);
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

/// `outs`: the kernel's memrefs that the sums go to. Sums on top of something and sums that start from
/// nothing are a group each, in which a table says whose columns a block has; the blocks of a group follow
/// those of the groups before it.
static void buildSums(KernelBuilder &kernel, ArrayRef<PartialSum> sums, ArrayRef<unsigned> outs) {
  struct Group {
    TensorTable table;
    bool hasInit;
  };
  std::vector<Group> groups;
  for (auto [k, sum] : llvm::enumerate(sums)) {
    if (groups.empty() || groups.back().hasInit != bool(sum.init))
      groups.push_back({{kWarp, {}}, bool(sum.init)});
    groups.back().table.entries.push_back(
        {{asFlat(kernel, kernel.memref(k)), asFlat(kernel, kernel.memref(outs[k]))},
         rowLength(cast<RankedTensorType>(sum.partials.getType()))});
  }
  plainLoop(
      kernel.b, kernel.loc, kernel.begin(), kernel.end(), kernel.index(1), [&](OpBuilder &b, Value item) {
        int64_t first = 0;
        for (const Group &group : groups) {
          GpuBlock block{b, kernel.loc};
          Value own = block.sub(item, block.index(first)); // of an earlier group's blocks: very large
          int64_t blocks = group.table.items();
          block.when(groups.size() > 1 ? block.less(own, block.index(blocks)) : Value(), [&](GpuBlock then) {
            TensorTable::Chunk sum = group.table.find(then.b, then.loc, own);
            emitColumns(then, sum.number, sum.memrefs[0], sum.memrefs[1], sum.elements, sums.front().items(),
                        group.hasInit);
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
  int64_t warps = warpsFor(sums.front().items());
  FailureOr<SymbolRefAttr> kernel =
      context.kernels.get(key, "sum_partials", loc, memrefs, 0, [&](KernelBuilder &kernel) {
        buildSums(kernel, sums, outs);
        setLaunchShape(kernel.function, warps * kWarp, 1, warps * kWarp * 8);
        return success();
      });
  if (failed(kernel)) return failure();
  LaunchOp launch =
      createLaunch(context, b, {loc, results, operands, *kernel, grid, {}, inplace, label, flops});
  launch->setAttr(kSumsAttr, b.getUnitAttr());
  return SmallVector<Value>(launch.getOutputs());
}

} // namespace drawloom::rows
