// embed_grad on a GPU. A block sums the rows of dout that go to one row of a table, among a segment of all
// rows: its warps take turns at them, add in registers, and their sums are added in order. A second launch
// adds the segments, so a frequent token (a black pixel, silence) is shared by many blocks.
#include "passes/memory/Layout.h"
#include "passes/rows/ColumnKernels.h"
#include "passes/rows/GpuKernels.h"
#include "passes/rows/TeamShape.h"
#include "passes/rows/VectorMath.h"
#include <numeric>

using namespace mlir;

namespace drawloom::rows {
namespace {

constexpr int64_t kWarps = kRowThreads / kWarp;
constexpr int64_t kMostSlots = 4; // vectors of a row that a thread adds up

/// Which rows of dout go to which row of a table, and how the work is cut.
struct TableGrad {
  bool byToken;
  int64_t rows;      ///< of dout
  int64_t positions; ///< n
  int64_t divisor;   ///< row (i / divisor) mod tableRows of a position table is that of position i
  int64_t tableRows, width, lanes;

  int64_t slots() const { return std::min(kMostSlots, ceilDiv(width, kWarp * lanes)); }
  int64_t columns() const { return slots() * kWarp * lanes; } // of a work item
  int64_t columnGroups() const { return ceilDiv(width, columns()); }
  /// Rows that may go to a given row of the table: all of them, or (sequence, period, offset).
  int64_t candidates() const { return byToken ? rows : rows / positions * periods() * divisor; }
  int64_t periods() const { return ceilDiv(positions, tableRows * divisor); }
  int64_t segments() const {
    if (byToken) return std::clamp<int64_t>(ceilDiv(rows, 4096), 1, 64);
    int64_t wanted = ceilDiv(4 * kPartialBlocks, tableRows * columnGroups());
    return std::clamp<int64_t>(std::min(wanted, candidates() / (4 * kWarps)), 1, 64);
  }
  /// Candidates of a segment: whole turns of all warps.
  int64_t segmentLength() const {
    int64_t turn = byToken ? kWarps * kWarp : kWarps;
    return ceilDiv(ceilDiv(candidates(), segments()), turn) * turn;
  }
  int64_t items() const { return segments() * tableRows * columnGroups(); }
};

/// The code of one work item.
class ItemEmitter {
public:
  ItemEmitter(GpuBlock block, const TableGrad &grad, Value dout, Value tokens, Value item)
      : block(block), grad(grad), dout(dout), tokens(tokens) {
    tableRow = block.rem(block.div(item, grad.columnGroups()), grad.tableRows);
    Value segment = block.div(item, grad.columnGroups() * grad.tableRows);
    segmentStart = block.mul(segment, grad.segmentLength());
    segmentEnd =
        block.min(block.add(segmentStart, block.index(grad.segmentLength())), block.index(grad.candidates()));
    warp = block.div(block.thread(), kWarp);
    lane = block.rem(block.thread(), kWarp);
    firstColumn = block.mul(block.rem(item, grad.columnGroups()), grad.columns());
  }

  SmallVector<Value> sum() { return grad.byToken ? sumByToken() : sumByPosition(); }

private:
  SmallVector<Value> zeros() {
    auto type = VectorType::get({grad.lanes}, block.b.getF32Type());
    return SmallVector<Value>(grad.slots(), vecmath::constant(block.b, block.loc, type, 0.0));
  }

  /// sums + the vectors of a row of dout; `exists` (or null): whether the row counts.
  SmallVector<Value> addRow(GpuBlock at, ValueRange sums, Value row, Value exists) {
    Type element = cast<MemRefType>(dout.getType()).getElementType();
    auto type = VectorType::get({grad.lanes}, element);
    int64_t bytes = std::min<int64_t>(16, grad.lanes * element.getIntOrFloatBitWidth() / 8);
    SmallVector<Value> result;
    for (auto [slot, sum] : llvm::enumerate(sums)) {
      Value column =
          at.add(firstColumn, at.add(at.mul(lane, grad.lanes), at.index(slot * kWarp * grad.lanes)));
      column = at.min(column, at.index(grad.width - grad.lanes));
      Value x = vector::LoadOp::create(at.b, at.loc, type, dout, ValueRange{row, column}, false,
                                       llvm::MaybeAlign(bytes));
      Math m{at.b, at.loc, Machine::Gpu};
      x = m.widened(x);
      if (exists) x = m.select(exists, x, m.constant(x, 0.0));
      result.push_back(m.add(sum, x));
    }
    return result;
  }

  /// A warp looks at 32 tokens at once and adds the rows of those that match, in order.
  SmallVector<Value> sumByToken() {
    Value start = block.add(segmentStart, block.mul(warp, kWarp));
    auto loop =
        scf::ForOp::create(block.b, block.loc, start, segmentEnd, block.index(kWarps * kWarp), zeros());
    OpBuilder inner = OpBuilder::atBlockBegin(loop.getBody());
    GpuBlock at{inner, block.loc};
    Value first = loop.getInductionVar(), own = at.add(first, lane);
    Value token = memref::LoadOp::create(inner, at.loc, tokens, at.min(own, at.index(grad.rows - 1)));
    Value index = arith::IndexCastOp::create(inner, at.loc, inner.getIndexType(), token);
    index = arith::MaxSIOp::create(inner, at.loc, index, at.index(0));
    index = arith::MinSIOp::create(inner, at.loc, index, at.index(grad.tableRows - 1));
    Value matches = arith::CmpIOp::create(inner, at.loc, arith::CmpIPredicate::eq, index, tableRow);
    matches = arith::AndIOp::create(inner, at.loc, matches, at.less(own, segmentEnd));
    scf::YieldOp::create(inner, at.loc, addMatches(at, first, at.ballot(matches), loop.getRegionIterArgs()));
    return SmallVector<Value>(loop.getResults());
  }

  /// Adds the rows first + bit for each bit that is set, the lowest first.
  SmallVector<Value> addMatches(GpuBlock at, Value first, Value bits, ValueRange sums) {
    SmallVector<Value> carried = {bits};
    carried.append(sums.begin(), sums.end());
    Location loc = at.loc;
    auto loop = scf::WhileOp::create(
        at.b, loc, ValueRange(carried).getTypes(), carried,
        [&](OpBuilder &b, Location loc, ValueRange now) {
          Value zero = arith::ConstantIntOp::create(b, loc, 0, 32);
          Value more = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, now[0], zero);
          scf::ConditionOp::create(b, loc, more, now);
        },
        [&](OpBuilder &b, Location loc, ValueRange now) {
          GpuBlock in{b, loc};
          Value bit = math::CountTrailingZerosOp::create(b, loc, now[0]);
          Value row = in.add(first, arith::IndexCastUIOp::create(b, loc, b.getIndexType(), bit));
          SmallVector<Value> next = addRow(in, now.drop_front(), row, nullptr);
          Value less = arith::SubIOp::create(b, loc, now[0], arith::ConstantIntOp::create(b, loc, 1, 32));
          next.insert(next.begin(), arith::AndIOp::create(b, loc, now[0], less));
          scf::YieldOp::create(b, loc, next);
        });
    return SmallVector<Value>(loop.getResults().drop_front());
  }

  /// Candidate (sequence, period p, offset t) is position (p tableRows + row) divisor + t, if there is one.
  SmallVector<Value> sumByPosition() {
    Value start = block.add(segmentStart, warp);
    auto loop = scf::ForOp::create(block.b, block.loc, start, segmentEnd, block.index(kWarps), zeros());
    OpBuilder inner = OpBuilder::atBlockBegin(loop.getBody());
    GpuBlock at{inner, block.loc};
    int64_t perSequence = grad.periods() * grad.divisor;
    Value sequence = at.div(loop.getInductionVar(), perSequence);
    Value inSequence = at.rem(loop.getInductionVar(), perSequence);
    Value period = at.div(inSequence, grad.divisor), offset = at.rem(inSequence, grad.divisor);
    Value position = at.add(at.mul(at.add(at.mul(period, grad.tableRows), tableRow), grad.divisor), offset);
    bool all = grad.positions % (grad.tableRows * grad.divisor) == 0;
    Value exists = all ? Value() : at.less(position, at.index(grad.positions));
    if (!all) position = at.min(position, at.index(grad.positions - 1));
    Value row = at.add(at.mul(sequence, grad.positions), position);
    scf::YieldOp::create(inner, at.loc, addRow(at, loop.getRegionIterArgs(), row, exists));
    return SmallVector<Value>(loop.getResults());
  }

  GpuBlock block;
  const TableGrad &grad;
  Value dout, tokens, tableRow, segmentStart, segmentEnd, warp, lane, firstColumn;
};

/// Memrefs: dout, tokens (if by token), sums of segments [segments, tableRows * width].
void buildTableGrad(KernelBuilder &kernel, const TableGrad &grad) {
  Location loc = kernel.loc;
  Value dout = asRows(kernel, kernel.memref(0)),
        tokens = grad.byToken ? asFlat(kernel, kernel.memref(1)) : nullptr;
  Value sums = asFlat(kernel, kernel.memref(grad.byToken ? 2 : 1));
  plainLoop(kernel.b, loc, kernel.begin(), kernel.end(), kernel.index(1), [&](OpBuilder &b, Value item) {
    GpuBlock block{b, loc};
    SmallVector<Value> vectors = ItemEmitter(block, grad, dout, tokens, item).sum();
    int64_t columns = kWarp * grad.lanes;
    Value firstColumn = block.mul(block.rem(item, grad.columnGroups()), grad.columns());
    Value place = block.mul(block.div(item, grad.columnGroups()), grad.width);
    addAcrossTeams(block, vectors, kWarps, columns, block.div(block.thread(), kWarp),
                   block.mul(block.rem(block.thread(), kWarp), grad.lanes),
                   [&](GpuBlock then, unsigned slot, Value thread, Value total) {
                     Value column = then.add(firstColumn, then.add(thread, then.index(slot * columns)));
                     then.when(then.less(column, then.index(grad.width)), [&](GpuBlock owner) {
                       memref::StoreOp::create(owner.b, loc, total, sums, owner.add(place, column));
                     });
                   });
    block.barrier(); // before the next item writes to shared memory
  });
  setLaunchShape(kernel.function, kRowThreads, 1, kWarps * kWarp * grad.lanes * 4);
}

} // namespace

LogicalResult lowerEmbedGradOnGpu(EmbedGradOp op, LoweringContext &context) {
  auto dout = cast<RankedTensorType>(op.getDout().getType());
  Type element = dout.getElementType();
  if (!element.isF32() && !isNarrowFloat(element))
    return op.emitOpError() << "row operations on a GPU take f32, bf16 and f16, got " << dout;
  int64_t width = rowLength(dout), positions = rowLength(cast<RankedTensorType>(op.getTokens().getType()));
  int64_t lanes = 128 / element.getIntOrFloatBitWidth();
  for (int64_t length : {width, rowStride(op.getDout()), rowOffset(op.getDout())})
    lanes = std::gcd(lanes, length);
  OpBuilder b(op);
  for (OpResult result : op->getResults()) {
    if (result.use_empty()) continue;
    unsigned number = result.getResultNumber();
    auto type = cast<RankedTensorType>(result.getType());
    if (!type.getElementType().isF32())
      return op.emitOpError() << "gradients of tables are f32 on a GPU, got " << type;
    bool byToken = number == 0;
    TableGrad grad{
        byToken, rowCount(dout), positions, byToken ? 1 : op.getDivisors()[number - 1], type.getDimSize(0),
        width,   lanes};
    SmallVector<Value> operands = {op.getDout()};
    if (byToken) operands.push_back(op.getTokens());
    auto sums = RankedTensorType::get({grad.segments(), type.getNumElements()}, type.getElementType());
    SmallVector<MemRefType> memrefs;
    for (Value operand : operands) memrefs.push_back(kernelMemRefType(operand));
    memrefs.push_back(MemRefType::get(sums.getShape(), sums.getElementType()));
    std::string key = "gpu " + std::to_string(lanes) + " " + std::to_string(grad.tableRows) + " every " +
                      std::to_string(grad.divisor) + " of " + std::to_string(positions);
    FailureOr<SymbolRefAttr> kernel =
        context.kernels.get(key, byToken ? "embed_grad_tokens" : "embed_grad_positions", op.getLoc(), memrefs,
                            0, [&](KernelBuilder &k) {
                              buildTableGrad(k, grad);
                              return success();
                            });
    if (failed(kernel)) return failure();
    LaunchOp launch = createLaunch(
        context, b,
        {op.getLoc(), sums, operands, *kernel, grad.items(), {}, {}, labelOf(op), dout.getNumElements()});
    PartialSum partial{launch.getResult(0), context.sumInits.lookup(result), type};
    FailureOr<SmallVector<Value>> total = sumPartials(context, b, op.getLoc(), partial, labelOf(op));
    if (failed(total)) return failure();
    result.replaceAllUsesWith(total->front());
  }
  op.erase();
  return success();
}

} // namespace drawloom::rows
