// embed_grad: each work item owns one vector of columns of a table and adds the rows of dout in order of (b,
// i). So no two items write one element, the order of the sum is fixed, and the work is proportional to the
// rows, not to rows times vocabulary.
#include "passes/memory/Layout.h"
#include "passes/rows/Chunks.h"
#include "passes/rows/ColumnKernels.h"
#include "passes/rows/FusionKernel.h"
#include "passes/rows/GpuKernels.h"
#include "passes/rows/VectorMath.h"

using namespace mlir;

namespace drawloom::rows {

/// Sums are made in double precision on the stack where the item's columns of the table fit in this many
/// bytes.
static constexpr int64_t kMaxScratchBytes = 1 << 20;

namespace {
/// Which row of the table a row of dout goes to: that of its token, or ((row mod positions) / divisor) mod
/// tableRows.
struct TableIndex {
  bool byToken;
  int64_t positions, divisor, tableRows;

  Value emit(OpBuilder &b, Location loc, Value row, Value tokens) const {
    auto constant = [&](int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); };
    if (!byToken) {
      Value i = arith::RemUIOp::create(b, loc, row, constant(positions));
      return arith::RemUIOp::create(b, loc, arith::DivUIOp::create(b, loc, i, constant(divisor)),
                                    constant(tableRows));
    }
    Value token = memref::LoadOp::create(b, loc, tokens, row);
    Value index = arith::IndexCastOp::create(b, loc, b.getIndexType(), token);
    return arith::MinSIOp::create(b, loc, arith::MaxSIOp::create(b, loc, index, constant(0)),
                                  constant(tableRows - 1));
  }
};
} // namespace

/// Emits the kernel: arguments dout, tokens (if by token), table.
static void buildTableGrad(KernelBuilder &kernel, TableIndex index, int64_t lanes) {
  Location loc = kernel.loc;
  unsigned last = index.byToken ? 2 : 1;
  Value dout = asRows(kernel, kernel.memref(0)), table = asRows(kernel, kernel.memref(last));
  Value tokens = index.byToken ? asFlat(kernel, kernel.memref(1)) : nullptr;
  int64_t rows = cast<MemRefType>(dout.getType()).getDimSize(0),
          width = cast<MemRefType>(dout.getType()).getDimSize(1);
  bool hasScratch = index.tableRows * lanes * 8 <= kMaxScratchBytes;
  Type element = hasScratch ? kernel.b.getF64Type() : kernel.b.getF32Type();
  auto sumType = VectorType::get({lanes}, element);
  Value scratch;
  if (hasScratch)
    scratch = memref::AllocaOp::create(kernel.b, loc, MemRefType::get({index.tableRows, lanes}, element),
                                       ValueRange{}, kernel.b.getI64IntegerAttr(64));
  Value zero = kernel.index(0), one = kernel.index(1), rowCount = kernel.index(rows),
        tableCount = kernel.index(index.tableRows);
  plainLoop(kernel.b, loc, kernel.begin(), kernel.end(), one, [&](OpBuilder &b, Value item) {
    ColumnBlock columns(b, loc, item, width, lanes);
    auto loadSum = [&](OpBuilder &b, Value row) -> Value {
      if (hasScratch) return vector::LoadOp::create(b, loc, sumType, scratch, ValueRange{row, zero});
      return columns.load(b, table, row);
    };
    auto storeSum = [&](OpBuilder &b, Value sum, Value row) {
      if (hasScratch)
        vector::StoreOp::create(b, loc, sum, scratch, ValueRange{row, zero});
      else
        columns.store(b, sum, table, row);
    };
    plainLoop(b, loc, zero, tableCount, one,
              [&](OpBuilder &b, Value row) { storeSum(b, vecmath::constant(b, loc, sumType, 0.0), row); });
    plainLoop(b, loc, zero, rowCount, one, [&](OpBuilder &b, Value row) {
      Value target = index.emit(b, loc, row, tokens), term = columns.load(b, dout, row);
      if (hasScratch) term = widen(b, loc, term);
      storeSum(b, arith::AddFOp::create(b, loc, loadSum(b, target), term), target);
    });
    if (hasScratch)
      plainLoop(b, loc, zero, tableCount, one, [&](OpBuilder &b, Value row) {
        columns.store(b, narrow(b, loc, loadSum(b, row)), table, row);
      });
  });
}

LogicalResult lowerEmbedGrad(EmbedGradOp op, LoweringContext &context) {
  auto dout = cast<RankedTensorType>(op.getDout().getType());
  if (context.isGpu()) return lowerEmbedGradOnGpu(op, context);
  if (!dout.getElementType().isF32())
    return op.emitOpError() << "compiled row operations compute in f32, got " << dout;
  int64_t width = rowLength(dout), positions = rowLength(cast<RankedTensorType>(op.getTokens().getType()));
  OpBuilder b(op);
  for (OpResult result : op->getResults()) {
    if (result.use_empty()) continue;
    unsigned number = result.getResultNumber();
    auto type = cast<RankedTensorType>(result.getType());
    bool byToken = number == 0;
    TableIndex index{byToken, positions, byToken ? 1 : op.getDivisors()[number - 1], type.getDimSize(0)};
    SmallVector<Value> operands = {op.getDout()};
    if (byToken) operands.push_back(op.getTokens());
    SmallVector<MemRefType> memrefs;
    for (Value operand : operands) memrefs.push_back(kernelMemRefType(operand));
    memrefs.push_back(kernelMemRefType(result));
    std::string key = std::to_string(context.lanes) +
                      (byToken ? " token" : " every " + std::to_string(index.divisor)) + " of " +
                      std::to_string(positions);
    FailureOr<SymbolRefAttr> kernel =
        context.kernels.get(key, byToken ? "embed_grad_tokens" : "embed_grad_positions", op.getLoc(), memrefs,
                            0, [&](KernelBuilder &k) {
                              buildTableGrad(k, index, context.lanes);
                              return success();
                            });
    if (failed(kernel)) return failure();
    LaunchOp launch = createLaunch(context, b,
                                   {op.getLoc(),
                                    type,
                                    operands,
                                    *kernel,
                                    ceilDiv(width, context.lanes),
                                    {},
                                    {},
                                    labelOf(op),
                                    dout.getNumElements()});
    result.replaceAllUsesWith(launch.getResult(0));
  }
  op.erase();
  return success();
}

} // namespace drawloom::rows
