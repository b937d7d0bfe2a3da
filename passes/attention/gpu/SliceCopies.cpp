// How the kernel of slices brings its operands and statistics.
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "passes/attention/gpu/SliceKernel.h"

using namespace mlir;

namespace drawloom::attention {

static constexpr int64_t kPart = kGroupRows;

/// A part has arrived when its copies are there; its queries are ready when each warp of a group has brought
/// its share of their statistics.
void SliceKernel::setUp() const {
  g.when(g.equal(g.thread, 0), [&] {
    for (int64_t part = 0; part < parts; ++part)
      dgpu::MBarrierInitOp::create(g.b, g.loc, g.i32(arrivedAt + 8 * part), g.i32(1));
    for (int64_t part = 0; part < pairs.queryParts(); ++part)
      dgpu::MBarrierInitOp::create(g.b, g.loc, g.i32(readyAt + 8 * part), g.i32(kWarpsInGroup));
    dgpu::MBarrierFenceOp::create(g.b, g.loc);
  });
  if (querySide.leavesRows() || keySide.leavesRows()) {
    g.clear(queriesAt, valuesAt + pairs.keyParts() * values.bytes() - queriesAt, threads());
    dgpu::FenceAsyncSharedOp::create(g.b, g.loc);
  }
  gpu::BarrierOp::create(g.b, g.loc);
}

/// Starts the bulk copies, brings the rest: what no bulk copy brings is there for all threads when this is
/// over.
void SliceKernel::bring(const Slice &slice) const {
  auto placeOf = [&](const Operand &o, int64_t part) {
    TilePlace place = o.isKeys ? slice.keys : slice.queries;
    place.first = k.index(part * kPart);
    return place;
  };
  auto forEachOperand = [&](int64_t part, bool bulk, llvm::function_ref<void(const Operand &, Value)> body) {
    for (const Operand &o : operands)
      if (o.tiles.isBulk() == bulk && part < (o.isKeys ? pairs.keyParts() : pairs.queryParts()))
        body(o, g.i32(o.offset + part * o.tiles.bytes()));
    if (bulk && outs && part < pairs.queryParts()) body({*outs, false, 0}, g.i32(outAt(part)));
  };
  g.when(g.equal(g.thread, 0), [&] {
    for (int64_t part = 0; part < parts; ++part) {
      int64_t bytes = 0; // of the part's rows and keys
      forEachOperand(part, true, [&](const Operand &o, Value) { bytes += o.tiles.bulkBytes(); });
      Value arrived = g.i32(arrivedAt + 8 * part);
      dgpu::MBarrierArriveOp::create(g.b, g.loc, arrived, g.i32(bytes));
      forEachOperand(part, true, [&](const Operand &o, Value offset) {
        o.tiles.loadBulk(placeOf(o, part), offset, arrived);
      });
    }
  });
  int64_t turn = 0; // warp groups take turns
  for (int64_t part = 0; part < parts; ++part)
    forEachOperand(part, false, [&](const Operand &o, Value offset) {
      byGroup(turn++ % spec.cut.groups, [&] { o.tiles.gather(placeOf(o, part), offset); });
    });
  if (turn) {
    dgpu::CopyAsyncCommitOp::create(g.b, g.loc);
    dgpu::CopyAsyncWaitOp::create(g.b, g.loc, 0);
    dgpu::FenceAsyncSharedOp::create(g.b, g.loc);
    gpu::BarrierOp::create(g.b, g.loc);
  }
  bringStatistics(slice.queries);
}

bool SliceKernel::sharesOuts() const {
  return spec.delta != DeltaSource::Given && querySide.box && llvm::all_of(pairs.keysOf, [&](PartRange keys) {
           return outGradients.bytes() <= keys.size() * kPart * kPart * 2;
         });
}

void SliceKernel::waitFor(Value part) const {
  if (queries.isBulk() || keys.isBulk())
    dgpu::MBarrierWaitOp::create(g.b, g.loc, g.add(g.mul(part, 8), arrivedAt), g.i32(0));
}

void SliceKernel::waitForQueries(Value part) const {
  waitFor(part);
  dgpu::MBarrierWaitOp::create(g.b, g.loc, g.add(g.mul(part, 8), readyAt), g.i32(0));
}

/// A part's statistics are brought by the group that has the keys of that number: a triangle's first parts,
/// which others wait for, by those with most to do, who then begin with them.
void SliceKernel::bringStatistics(const TilePlace &queries) const {
  Value first = g.mul(g.div(g.threadInGroup(), kWarpThreads), kPart / kWarpsInGroup);
  auto bring = [&](ArrayRef<int64_t> ofGroup) {
    SmallVector<RowStatistics::Asked> asked;
    for (int64_t part : ofGroup) {
      TilePlace place = queries;
      place.first = k.index(part * kPart);
      asked.push_back(statistics.ask(place, first));
    }
    for (auto [part, rows] : llvm::zip(ofGroup, asked)) {
      if (spec.delta != DeltaSource::Given) waitFor(g.i32(part));
      statistics.bring(rows, outGradients.type, g.i32(outGradientsAt + part * outGradients.bytes()),
                       g.i32(outAt(part)), g.i32(lseAt(part)), g.i32(deltaAt(part)));
      dgpu::WarpSyncOp::create(g.b, g.loc);
      g.when(g.equal(g.lane(), 0),
             [&] { dgpu::MBarrierArriveOp::create(g.b, g.loc, g.i32(readyAt + 8 * part), Value()); });
    }
  };
  SmallVector<SmallVector<int64_t>> shares = shareParts(pairs.queriesOf, spec.cut.groups);
  for (auto [group, share] : llvm::enumerate(shares)) {
    SmallVector<int64_t> ofGroup;
    for (int64_t part = 0; part < pairs.queryParts(); ++part)
      if (llvm::is_contained(share, std::min(part, pairs.keyParts() - 1))) ofGroup.push_back(part);
    byGroup(group, [&] { bring(ofGroup); });
  }
}

} // namespace drawloom::attention
