#include "passes/rows/ColumnKernels.h"
#include "passes/rows/Chunks.h"
#include "passes/rows/FusionKernel.h"
#include "passes/rows/GpuKernels.h"
#include "passes/rows/VectorMath.h"

using namespace mlir;

namespace drawloom::rows {

ColumnBlock::ColumnBlock(OpBuilder &b, Location loc, Value block, int64_t width, int64_t lanes)
    : loc(loc), lanes(lanes) {
  first = arith::MulIOp::create(b, loc, block, arith::ConstantIndexOp::create(b, loc, lanes));
  if (width % lanes == 0) return;
  Value left = arith::SubIOp::create(b, loc, arith::ConstantIndexOp::create(b, loc, width), first);
  mask = vector::CreateMaskOp::create(b, loc, VectorType::get({lanes}, b.getI1Type()), left);
}

SmallVector<Value> ColumnBlock::indices(ValueRange rowIndices) const {
  SmallVector<Value> result(rowIndices);
  result.push_back(first);
  return result;
}

Value ColumnBlock::load(OpBuilder &b, Value memref, ValueRange rowIndices) const {
  auto type = VectorType::get({lanes}, cast<MemRefType>(memref.getType()).getElementType());
  if (!mask) return vector::LoadOp::create(b, loc, type, memref, indices(rowIndices));
  return vector::MaskedLoadOp::create(b, loc, type, memref, indices(rowIndices), mask,
                                      vecmath::constant(b, loc, type, 0.0));
}

void ColumnBlock::store(OpBuilder &b, Value vector, Value memref, ValueRange rowIndices) const {
  if (mask)
    vector::MaskedStoreOp::create(b, loc, memref, indices(rowIndices), mask, vector);
  else
    vector::StoreOp::create(b, loc, vector, memref, indices(rowIndices));
}

Value widen(OpBuilder &b, Location loc, Value vector) {
  auto type = VectorType::get(cast<VectorType>(vector.getType()).getShape(), b.getF64Type());
  return arith::ExtFOp::create(b, loc, type, vector);
}

Value narrow(OpBuilder &b, Location loc, Value vector) {
  auto type = VectorType::get(cast<VectorType>(vector.getType()).getShape(), b.getF32Type());
  return arith::TruncFOp::create(b, loc, type, vector);
}

Value accumulateLoop(OpBuilder &b, Location loc, Value lower, Value upper, Value step, Value init,
                     function_ref<Value(OpBuilder &, Value, Value)> body) {
  auto loop = scf::ForOp::create(b, loc, lower, upper, step, init);
  OpBuilder inner = OpBuilder::atBlockBegin(loop.getBody());
  scf::YieldOp::create(inner, loc, body(inner, loop.getInductionVar(), loop.getRegionIterArg(0)));
  return loop.getResult(0);
}

void plainLoop(OpBuilder &b, Location loc, Value lower, Value upper, Value step,
               function_ref<void(OpBuilder &, Value)> body) {
  auto loop = scf::ForOp::create(b, loc, lower, upper, step);
  OpBuilder inner = OpBuilder::atBlockBegin(loop.getBody());
  body(inner, loop.getInductionVar());
}

//===-- partial sums ------------------------------------------------------------------------------===//

static FailureOr<Value> sumOnCpu(LoweringContext &context, OpBuilder &b, Location loc, const PartialSum &sum,
                                 StringRef label) {
  Value partials = sum.partials, init = sum.init;
  RankedTensorType result = sum.result;
  auto type = cast<RankedTensorType>(partials.getType());
  int64_t items = type.getDimSize(0), width = type.getDimSize(1), lanes = context.lanes;
  SmallVector<MemRefType> memrefs = {MemRefType::get(type.getShape(), type.getElementType()),
                                     MemRefType::get(result.getShape(), result.getElementType())};
  std::string key = std::to_string(lanes) + (init ? " init" : "");
  auto build = [&](KernelBuilder &kernel) {
    Value zero = kernel.index(0), one = kernel.index(1), count = kernel.index(items),
          out = asFlat(kernel, kernel.memref(1));
    plainLoop(kernel.b, loc, kernel.begin(), kernel.end(), one, [&](OpBuilder &b, Value item) {
      ColumnBlock columns(b, loc, item, width, lanes);
      Value start = init ? widen(b, loc, columns.load(b, out, {}))
                         : vecmath::constant(b, loc, VectorType::get({lanes}, b.getF64Type()), 0.0);
      Value sum = accumulateLoop(
          b, loc, zero, count, one, start, [&](OpBuilder &b, Value chunk, Value carried) -> Value {
            return arith::AddFOp::create(b, loc, carried,
                                         widen(b, loc, columns.load(b, kernel.memref(0), chunk)));
          });
      columns.store(b, narrow(b, loc, sum), out, {});
    });
    return success();
  };
  FailureOr<SymbolRefAttr> kernel = context.kernels.get(key, "sum_partials", loc, memrefs, 0, build);
  if (failed(kernel)) return failure();
  SmallVector<Value> operands = {partials};
  SmallVector<int64_t> inplace;
  if (init) {
    operands.push_back(init);
    inplace.push_back(1);
  }
  return createLaunch(
             context, b,
             {loc, result, operands, *kernel, ceilDiv(width, lanes), {}, inplace, label, items * width})
      .getResult(0);
}

FailureOr<SmallVector<Value>> sumPartials(LoweringContext &context, OpBuilder &b, Location loc,
                                          ArrayRef<PartialSum> sums, StringRef label) {
  if (context.isGpu()) return sumPartialsOnGpu(context, b, loc, sums, label);
  SmallVector<Value> totals;
  for (const PartialSum &sum : sums) {
    FailureOr<Value> total = sumOnCpu(context, b, loc, sum, label);
    if (failed(total)) return failure();
    totals.push_back(*total);
  }
  return totals;
}

} // namespace drawloom::rows
