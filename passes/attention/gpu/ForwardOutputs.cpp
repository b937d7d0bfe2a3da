// How the consuming warp groups of the forward kernel finish a query tile: outputs and log-sum-exps.
#include "passes/attention/gpu/ForwardKernel.h"
#include <limits>

using namespace mlir;

namespace drawloom::attention {

static constexpr double kLn2 = 0.6931471805599453;

/// Outputs divided by their sums, joined with those that were there; and lse.
Value ForwardKernel::finishOutputs(const Rows &rows, const Ring::Slot &slot, const Sums &sums,
                                   RowPair &lse) const {
  auto zero = softmax.constant(0), minusInfinity = softmax.constant(-std::numeric_limits<double>::infinity());
  auto exp2 = [&](Value x) { return dgpu::Exp2Op::create(g.b, g.loc, x).getResult(); };
  RowPair total = softmax.acrossLanes(sums.state.sum, false), weight, before;
  for (int r : {0, 1}) {
    Value greatest = g.mulf(sums.state.greatest[r], softmax.constant(factor()));
    // 0 * -inf is no number.
    greatest = g.select(softmax.isNegativeInfinity(sums.state.greatest[r]), minusInfinity, greatest);
    Value sum = total[r], mine, old;
    if (spec.continues) {
      Value lseBefore = g.mulf(rows.lse[r], softmax.constant(kLog2E));
      Value most = arith::MaxNumFOp::create(g.b, g.loc, greatest, lseBefore);
      Value shift = g.select(softmax.isNegativeInfinity(most), zero, most);
      mine = exp2(g.subf(greatest, shift)), old = exp2(g.subf(lseBefore, shift));
      sum = g.fma(sum, mine, old);
      greatest = most;
    }
    Value isEmpty = arith::CmpFOp::create(g.b, g.loc, arith::CmpFPredicate::OEQ, sum, zero);
    Value inverse = g.select(isEmpty, zero, dgpu::RcpOp::create(g.b, g.loc, sum));
    Value logarithm = arith::AddFOp::create(g.b, g.loc, greatest, dgpu::Log2Op::create(g.b, g.loc, sum));
    lse[r] = g.select(isEmpty, minusInfinity, g.mulf(logarithm, softmax.constant(kLn2)));
    weight[r] = mine ? g.mulf(mine, inverse) : inverse;
    before[r] = old ? g.mulf(old, inverse) : Value();
  }
  Value out = softmax.scaleRows(sums.out, weight);
  if (!spec.continues) return out;
  auto type = cast<VectorType>(out.getType());
  auto part = g.groupRows(g.tile(outType, outAt(slot)), groupRow());
  Value old =
      dgpu::LoadFragmentOp::create(g.b, g.loc, g.vector(type.getShape(), outType.getElementType()), part);
  return g.fma(arith::ExtFOp::create(g.b, g.loc, type, old), softmax.spreadRows(before, type), out);
}

/// Whether the rows of a slice are neighbouring positions.
bool ForwardKernel::rowsAreNeighbours() const {
  AffineExpr row = k.dim(2), position = querySide.position().getResult(0);
  return simplifyAffineExpr(position.replace(row, row + 1) - position, 3, 0) == 1;
}

void ForwardKernel::finish(const Item &item, const Rows &rows, const Ring::Slot &slot,
                           const Sums &sums) const {
  RowPair lse;
  Value out = pack(finishOutputs(rows, slot, sums, lse));
  // Each warp has read its own rows of what stood there.
  dgpu::StoreFragmentOp::create(g.b, g.loc, out, g.groupRows(g.tile(outType, outAt(slot)), groupRow()));
  for (int r : {0, 1})
    g.when(g.both(rows.exists[r], g.equal(g.rem(g.thread, 4), 0)), [&] {
      Value memref = k.kernel.memref(kLse);
      SmallVector<Value> at{item.queries.batch, item.queries.head, rows.position[r]};
      // Of a column, the other elements of a sector come from other blocks. Measured on Hopper only.
      if (spec.isHopper && !rowsAreNeighbours())
        dgpu::StoreEvictLastOp::create(g.b, g.loc, lse[r], memref, at);
      else
        memref::StoreOp::create(g.b, g.loc, lse[r], memref, at);
    });
  storeOutputs(item, slot);
}

/// Writes the group's outputs from shared memory and gives the place back.
void ForwardKernel::storeOutputs(const Item &item, const Ring::Slot &slot) const {
  Value place = outAt(slot);
  if (!outStore) {
    groupBarrier();
    RowCopy{g, querySide, k.kernel.memref(kOut), outType}.toGlobal(item.queries, place, groupRow());
  }
  // Bulk copies come next to where threads have read and written.
  fenceAsync();
  groupBarrier();
  g.when(g.equal(g.threadInGroup(), 0), [&] {
    if (outStore) {
      TilePlace rows = item.queries;
      rows.first = rowAfter(item, groupRow());
      g.when(k.less(rows.first, rows.extent), [&] {
        outStore->storeBulk(rows, g.add(place, g.mul(groupRow(), outType.getSwizzle())), outType.getPitch());
        dgpu::BulkCommitOp::create(g.b, g.loc);
        dgpu::BulkWaitOp::create(g.b, g.loc, 0, /*read=*/true);
      });
    }
    dgpu::MBarrierArriveOp::create(g.b, g.loc, queryRing->emptyBarrier(g, slot), Value());
  });
}

} // namespace drawloom::attention
