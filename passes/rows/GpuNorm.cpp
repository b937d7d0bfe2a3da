// global_norm on a GPU: one launch sums the squares of chunks of all tensors, one block adds these up in
// order.
#include "passes/memory/Layout.h"
#include "passes/rows/Chunks.h"
#include "passes/rows/ColumnKernels.h"
#include "passes/rows/GpuKernels.h"
#include "passes/rows/RowMath.h"
#include "passes/rows/TensorTable.h"
#include <numeric>

using namespace mlir;

namespace drawloom::rows {

static constexpr int64_t kVectors = 8;        // of a thread in a chunk
static constexpr int64_t kRootThreads = 1024; // of the block that adds up

/// The sum of all threads' f64 values, as a tree; right in thread 0. Needs 8 bytes a thread.
static Value addThreads(GpuBlock block, Value value, int64_t threads) {
  Value memory = block.shared({threads}, block.b.getF64Type()), thread = block.thread();
  auto at = [&](GpuBlock g, Value number) -> Value {
    return memref::LoadOp::create(g.b, g.loc, memory, number);
  };
  memref::StoreOp::create(block.b, block.loc, value, memory, thread);
  for (int64_t half = threads / 2; half; half /= 2) {
    block.barrier();
    block.when(block.less(thread, block.index(half)), [&](GpuBlock then) {
      Value sum = arith::AddFOp::create(then.b, then.loc, at(then, thread),
                                        at(then, then.add(thread, then.index(half))));
      memref::StoreOp::create(then.b, then.loc, sum, memory, thread);
    });
  }
  return at(block, block.index(0));
}

/// Memrefs: the tensors, then a sum for each chunk.
static void buildSquares(KernelBuilder &kernel, TensorTable table, int64_t lanes) {
  unsigned count = table.entries.size();
  for (auto [k, entry] : llvm::enumerate(table.entries)) entry.memrefs = {asFlat(kernel, kernel.memref(k))};
  Location loc = kernel.loc;
  plainLoop(kernel.b, loc, kernel.begin(), kernel.end(), kernel.index(1), [&](OpBuilder &b, Value item) {
    TensorTable::Chunk chunk = table.find(b, loc, item);
    GpuBlock block{b, loc};
    Value thread = block.thread(), base = block.mul(chunk.number, table.chunk);
    Type element = cast<MemRefType>(chunk.memrefs[0].getType()).getElementType();
    auto type = VectorType::get({lanes}, element);
    int64_t bytes = std::min<int64_t>(16, lanes * element.getIntOrFloatBitWidth() / 8);
    Value sum = vecmath::constant(b, loc, VectorType::get({lanes}, b.getF64Type()), 0.0);
    for (int64_t v = 0; v < kVectors; ++v) {
      Value at = block.add(base, block.add(block.mul(thread, lanes), block.index(v * kRowThreads * lanes)));
      Value exists = block.less(at, chunk.elements);
      Value safe = block.min(at, block.sub(chunk.elements, block.index(lanes)));
      Value x = vector::LoadOp::create(b, loc, type, chunk.memrefs[0], safe, false, llvm::MaybeAlign(bytes));
      x = arith::SelectOp::create(b, loc, exists, x, vecmath::constant(b, loc, type, 0.0));
      Value wide = widen(b, loc, x);
      sum = math::FmaOp::create(b, loc, wide, wide, sum);
    }
    Value total = vector::ExtractOp::create(b, loc, sum, ArrayRef<int64_t>{0});
    for (int64_t lane = 1; lane < lanes; ++lane)
      total = arith::AddFOp::create(b, loc, total,
                                    vector::ExtractOp::create(b, loc, sum, ArrayRef<int64_t>{lane}));
    total = addThreads(block, total, kRowThreads);
    block.when(block.isZero(thread), [&](GpuBlock then) {
      memref::StoreOp::create(then.b, loc, total, kernel.memref(count), item);
    });
    block.barrier(); // before the next item writes to shared memory
  });
  setLaunchShape(kernel.function, kRowThreads, 1, kRowThreads * 8);
}

/// Memrefs: sums of squares, and the norm.
static void buildRoot(KernelBuilder &kernel) {
  Location loc = kernel.loc;
  int64_t count = cast<MemRefType>(kernel.memref(0).getType()).getDimSize(0);
  GpuBlock block{kernel.b, loc};
  Value zero = vecmath::constant(kernel.b, loc, kernel.b.getF64Type(), 0.0), thread = block.thread();
  Value sum = accumulateLoop(kernel.b, loc, thread, block.index(count), block.index(kRootThreads), zero,
                             [&](OpBuilder &b, Value at, Value carried) -> Value {
                               return arith::AddFOp::create(
                                   b, loc, carried, memref::LoadOp::create(b, loc, kernel.memref(0), at));
                             });
  sum = addThreads(block, sum, kRootThreads);
  block.when(block.isZero(thread), [&](GpuBlock then) {
    Value norm =
        arith::TruncFOp::create(then.b, loc, then.b.getF32Type(), math::SqrtOp::create(then.b, loc, sum));
    memref::StoreOp::create(then.b, loc, norm, kernel.memref(1), then.index(0));
  });
  setLaunchShape(kernel.function, kRootThreads, 1, kRootThreads * 8);
}

/// Elements of a vector of a dense tensor: at most 16 bytes, as far as its size and place allow.
static int64_t lanesOf(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  int64_t most = 128 / type.getElementTypeBitWidth();
  return std::gcd(std::gcd(most, type.getNumElements()), rowOffset(tensor));
}

LogicalResult lowerGlobalNormOnGpu(GlobalNormOp op, LoweringContext &context) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  std::map<std::pair<int64_t, unsigned>, SmallVector<Value>> groups; // by lanes and size of elements
  for (Value tensor : op.getTensors()) {
    auto type = cast<RankedTensorType>(tensor.getType());
    if (!type.getElementType().isF32() && !isNarrowFloat(type.getElementType()))
      return op.emitOpError() << "row operations on a GPU take f32, bf16 and f16, got " << type;
    if (MemRefType memref = kernelMemRefType(tensor); !isDense(memref))
      return op.emitOpError() << "operands must be dense, but one is a view of type " << memref;
    groups[{lanesOf(tensor), type.getElementTypeBitWidth()}].push_back(tensor);
  }
  SmallVector<Value> parts;
  for (auto &[shape, group] : groups) {
    int64_t lanes = shape.first;
    constexpr size_t most = kMaxParameterBytes / 8;
    for (size_t first = 0; first < group.size(); first += most) {
      auto tensors = ArrayRef<Value>(group).slice(first, std::min(most, group.size() - first));
      TensorTable table{kRowThreads * kVectors * lanes, {}};
      SmallVector<MemRefType> memrefs;
      int64_t elements = 0;
      for (Value tensor : tensors) {
        table.entries.push_back({{}, cast<RankedTensorType>(tensor.getType()).getNumElements()});
        memrefs.push_back(kernelMemRefType(tensor));
        elements += table.entries.back().elements;
      }
      memrefs.push_back(MemRefType::get({table.items()}, b.getF64Type()));
      auto kernel = context.kernels.get("gpu " + std::to_string(lanes), "sum_squares", loc, memrefs, 0,
                                        [&](KernelBuilder &k) {
                                          buildSquares(k, table, lanes);
                                          return success();
                                        });
      if (failed(kernel)) return failure();
      auto partial = RankedTensorType::get({table.items()}, b.getF64Type());
      parts.push_back(
          createLaunch(context, b,
                       {loc, partial, tensors, *kernel, table.items(), {}, {}, labelOf(op), 2 * elements})
              .getResult(0));
    }
  }
  int64_t total = 0;
  for (Value part : parts) total += cast<RankedTensorType>(part.getType()).getDimSize(0);
  auto joinedType = RankedTensorType::get({total}, b.getF64Type());
  Value joined = parts.size() == 1 ? parts.front() : ConcatOp::create(b, loc, joinedType, parts).getOut();
  auto kernel = context.kernels.get(
      "gpu", "root_of_sum", loc, {MemRefType::get({total}, b.getF64Type()), kernelMemRefType(op.getNorm())},
      0, [&](KernelBuilder &k) {
        buildRoot(k);
        return success();
      });
  if (failed(kernel)) return failure();
  LaunchOp launch =
      createLaunch(context, b, {loc, op.getNorm().getType(), joined, *kernel, 1, {}, {}, labelOf(op), total});
  op.getNorm().replaceAllUsesWith(launch.getResult(0));
  op.erase();
  return success();
}

} // namespace drawloom::rows
