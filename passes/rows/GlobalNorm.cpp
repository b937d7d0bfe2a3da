// global_norm: sums of squares of fixed chunks of every tensor, in double precision, then one sum of these in
// order.
#include "passes/memory/Layout.h"
#include "passes/rows/Chunks.h"
#include "passes/rows/ColumnKernels.h"
#include "passes/rows/FusionKernel.h"
#include "passes/rows/GpuKernels.h"
#include "passes/rows/VectorMath.h"

using namespace mlir;

namespace drawloom::rows {

/// carried + vector * vector in double precision; not finite if an element is not.
static Value addSquares(OpBuilder &b, Location loc, Value vector, Value carried) {
  Value wide = widen(b, loc, vector);
  return math::FmaOp::create(b, loc, wide, wide, carried);
}

/// Adds the lanes as a tree.
static Value sumLanes(OpBuilder &b, Location loc, Value vector) {
  for (int64_t half = cast<VectorType>(vector.getType()).getDimSize(0) / 2; half; half /= 2) {
    auto part = [&](int64_t offset) {
      return vector::ExtractStridedSliceOp::create(b, loc, vector, ArrayRef<int64_t>{offset},
                                                   ArrayRef<int64_t>{half}, ArrayRef<int64_t>{1});
    };
    Value low = part(0), high = part(half);
    vector = arith::AddFOp::create(b, loc, low, high);
  }
  return vector::ExtractOp::create(b, loc, vector, ArrayRef<int64_t>{0});
}

/// Arguments: a dense tensor, and one sum of squares for each of its chunks.
static void buildSquares(KernelBuilder &kernel, int64_t lanes) {
  Location loc = kernel.loc;
  Value x = asFlat(kernel, kernel.memref(0));
  int64_t elements = cast<MemRefType>(x.getType()).getDimSize(0), tail = elements % lanes,
          full = elements - tail;
  Value one = kernel.index(1), step = kernel.index(lanes), chunk = kernel.index(kNormChunk),
        fullEnd = kernel.index(full);
  auto type = VectorType::get({lanes}, kernel.b.getF32Type());
  plainLoop(kernel.b, loc, kernel.begin(), kernel.end(), one, [&](OpBuilder &b, Value item) {
    Value first = arith::MulIOp::create(b, loc, item, chunk);
    Value end = arith::MinSIOp::create(b, loc, arith::AddIOp::create(b, loc, first, chunk), fullEnd);
    Value sum = vecmath::constant(b, loc, VectorType::get({lanes}, b.getF64Type()), 0.0);
    sum = accumulateLoop(b, loc, first, end, step, sum, [&](OpBuilder &b, Value at, Value carried) {
      return addSquares(b, loc, vector::LoadOp::create(b, loc, type, x, at), carried);
    });
    if (tail) { // of the last chunk; in the others all lanes are masked
      Value last = arith::ConstantIndexOp::create(b, loc, (elements - 1) / kNormChunk);
      Value isLast = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, item, last);
      Value count = arith::SelectOp::create(b, loc, isLast, arith::ConstantIndexOp::create(b, loc, tail),
                                            arith::ConstantIndexOp::create(b, loc, 0));
      Value mask = vector::CreateMaskOp::create(b, loc, VectorType::get({lanes}, b.getI1Type()), count);
      Value rest =
          vector::MaskedLoadOp::create(b, loc, type, x, fullEnd, mask, vecmath::constant(b, loc, type, 0.0));
      sum = addSquares(b, loc, rest, sum);
    }
    memref::StoreOp::create(b, loc, sumLanes(b, loc, sum), kernel.memref(1), item);
  });
}

/// Arguments: sums of squares, and the norm.
static void buildRoot(KernelBuilder &kernel) {
  Location loc = kernel.loc;
  Value zero = kernel.index(0), one = kernel.index(1);
  Value count = kernel.index(cast<MemRefType>(kernel.memref(0).getType()).getDimSize(0));
  plainLoop(kernel.b, loc, kernel.begin(), kernel.end(), one, [&](OpBuilder &b, Value) {
    Value start = vecmath::constant(b, loc, b.getF64Type(), 0.0);
    Value sum =
        accumulateLoop(b, loc, zero, count, one, start, [&](OpBuilder &b, Value at, Value carried) -> Value {
          return arith::AddFOp::create(b, loc, carried, memref::LoadOp::create(b, loc, kernel.memref(0), at));
        });
    Value norm = arith::TruncFOp::create(b, loc, b.getF32Type(), math::SqrtOp::create(b, loc, sum));
    memref::StoreOp::create(b, loc, norm, kernel.memref(1), zero);
  });
}

LogicalResult lowerGlobalNorm(GlobalNormOp op, LoweringContext &context) {
  if (context.isGpu()) return lowerGlobalNormOnGpu(op, context);
  OpBuilder b(op);
  Location loc = op.getLoc();
  SmallVector<Value> parts;
  for (Value tensor : op.getTensors()) {
    auto type = cast<RankedTensorType>(tensor.getType());
    MemRefType memref = kernelMemRefType(tensor);
    if (!type.getElementType().isF32())
      return op.emitOpError() << "compiled row operations compute in f32, got " << type;
    if (!isDense(memref))
      return op.emitOpError() << "operands must be dense, but one is a view of type " << memref;
    int64_t chunks = ceilDiv(type.getNumElements(), kNormChunk);
    auto partial = RankedTensorType::get({chunks}, b.getF64Type());
    auto kernel =
        context.kernels.get(std::to_string(context.lanes), "sum_squares", loc,
                            {memref, MemRefType::get({chunks}, b.getF64Type())}, 0, [&](KernelBuilder &k) {
                              buildSquares(k, context.lanes);
                              return success();
                            });
    if (failed(kernel)) return failure();
    parts.push_back(
        createLaunch(context, b,
                     {loc, partial, tensor, *kernel, chunks, {}, {}, labelOf(op), 2 * type.getNumElements()})
            .getResult(0));
  }
  int64_t total = 0;
  for (Value part : parts) total += cast<RankedTensorType>(part.getType()).getDimSize(0);
  auto joinedType = RankedTensorType::get({total}, b.getF64Type());
  Value joined = parts.size() == 1 ? parts.front() : ConcatOp::create(b, loc, joinedType, parts).getOut();
  auto kernel = context.kernels.get(
      "", "root_of_sum", loc, {MemRefType::get({total}, b.getF64Type()), kernelMemRefType(op.getNorm())}, 0,
      [&](KernelBuilder &k) {
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
