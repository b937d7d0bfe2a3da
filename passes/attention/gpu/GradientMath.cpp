#include "passes/attention/gpu/GradientMath.h"

using namespace mlir;

namespace drawloom::attention {

/// The thread's two rows, whether they exist or not.
static SmallVector<Value> rowsOf(const GpuBuilder &g, const TilePlace &own, Value row) {
  Value inGroup = g.add(g.mul(g.div(g.threadInGroup(), kWarpThreads), 16), g.div(g.lane(), 4));
  SmallVector<Value> list;
  for (int64_t r : {0, 8})
    list.push_back(arith::AddIOp::create(g.b, g.loc, own.first, g.toIndex(g.add(g.add(row, inGroup), r))));
  return list;
}

SmallVector<Value> GradientMath::positionsOf(const TilePlace &own, Value row) const {
  SmallVector<Value> list;
  // Rows that do not exist take the last one's place; what comes out of them is not stored.
  for (Value x : rowsOf(g, own, row)) list.push_back(g.k.min(x, g.k.apply(g.k.dim(0) - 1, own.extent)));
  return list;
}

RowBounds GradientMath::boundsOf(const SideTiles &side, const TilePlace &own, Value other, Value row) const {
  const rows::IndexBuilder &k = g.k;
  SmallVector<Value> low, high;
  // Without sign: numbers below 0 are no rows either.
  auto exists = [&](Value x) { return g.compare(arith::CmpIPredicate::ult, x, own.extent); };
  // Rows that do not exist meet nothing: where a product sums over them, their probabilities, of scores 0 and
  // another row's sum, could be infinite.
  for (Value x : rowsOf(g, own, row)) {
    ViewInKernel::Range range = side.meets(own.head, own.slice, x, x, other);
    low.push_back(g.toI32(range.from)), high.push_back(g.toI32(g.select(exists(x), range.to, range.from)));
  }
  auto pair = [&](ValueRange values) {
    return vector::FromElementsOp::create(g.b, g.loc, g.vector({2, 1}, g.b.getI32Type()), values);
  };
  RowBounds rows;
  rows.low = pair(low), rows.high = pair(high);
  Value first = arith::AddIOp::create(g.b, g.loc, own.first, g.toIndex(row)),
        end = k.apply(k.dim(0) + (kGroupRows - 1), first);
  ViewInKernel::Range range =
      side.meets(own.head, own.slice, first, k.min(end, k.apply(k.dim(0) - 1, own.extent)), other);
  rows.from = g.toI32(range.from), rows.wholeFrom = g.toI32(range.wholeFrom);
  rows.wholeTo = g.toI32(g.select(exists(end), range.wholeTo, range.wholeFrom));
  rows.to = g.toI32(g.select(exists(first), range.to, range.from));
  return rows;
}

Value GradientMath::isMet(const RowBounds &rows, Value at, int64_t columns) const {
  return g.both(g.less(rows.from, g.add(at, columns)),
                g.both(g.less(at, rows.to), g.less(rows.from, rows.to)));
}

Value GradientMath::lseAt(Value batch, Value head, Value position) const {
  SmallVector<Value> at{batch, head, position};
  Value lse = memref::LoadOp::create(g.b, g.loc, g.k.kernel.memref(kLse), at);
  return g.mulf(lse, arith::ConstantOp::create(g.b, g.loc, g.b.getF32FloatAttr(float(-kLog2E))));
}

Value GradientMath::deltaAt(Value batch, Value head, Value position) const {
  SmallVector<Value> at{batch, head, position};
  return memref::LoadOp::create(g.b, g.loc, g.k.kernel.memref(kDelta), at);
}

SmallVector<Value> GradientMath::statisticsAt(Value batch, Value head, Value position) const {
  return {lseAt(batch, head, position), deltaAt(batch, head, position)};
}

QueryStatistics GradientMath::columnStatistics(Value lseAt, Value deltaAt, int64_t columns) const {
  Type f32 = g.b.getF32Type();
  Value first = g.mul(g.rem(g.thread, 4), 2);
  auto fragment = [&](Value offset) -> Value {
    Value array = g.array(columns, f32, offset);
    SmallVector<Value> elements;
    for (int64_t j = 0; j < columns / 8; ++j) {
      auto two =
          vector::ToElementsOp::create(g.b, g.loc, g.load(array, {g.toIndex(g.add(first, 8 * j))}, 2, 8));
      elements.append(two.getResults().begin(), two.getResults().end());
    }
    return vector::FromElementsOp::create(g.b, g.loc, g.vector({columns / 8, 1, 2}, f32), elements);
  };
  return {fragment(lseAt), fragment(deltaAt)};
}

Value GradientMath::probabilities(Value scores, const QueryStatistics &queries, const RowBounds &rows,
                                  Value at) const {
  auto type = cast<VectorType>(scores.getType());
  Value p = dgpu::Exp2Op::create(g.b, g.loc,
                                 g.fma(scores, g.splat(type, scale * kLog2E), g.spread(queries.lse, type)));
  Value end = g.add(at, type.getDimSize(0) * 8);
  Value isWhole = g.both(g.compare(arith::CmpIPredicate::sle, rows.wholeFrom, at),
                         g.compare(arith::CmpIPredicate::sle, end, rows.wholeTo));
  auto whole = [&] { return SmallVector<Value>{p}; };
  return g.choose(isWhole, TypeRange(type), whole,
                  [&] { return SmallVector<Value>{masked(p, rows, at)}; })[0];
}

Value GradientMath::masked(Value p, const RowBounds &rows, Value at) const {
  auto type = cast<VectorType>(p.getType());
  SmallVector<int32_t> columns; // of the first lane of four
  for (int32_t j = 0; j < type.getDimSize(0); ++j) columns.append({8 * j, 8 * j + 1, 8 * j, 8 * j + 1});
  auto integers = g.vector(type.getShape(), g.b.getI32Type());
  Value column =
      arith::ConstantOp::create(g.b, g.loc, DenseElementsAttr::get(integers, ArrayRef<int32_t>(columns)));
  Value start = g.add(at, g.mul(g.rem(g.thread, 4), 2));
  Value starts = vector::BroadcastOp::create(g.b, g.loc, rows.low.getType(), start);
  Value low = g.spread(g.sub(rows.low, starts), integers),
        high = g.spread(g.sub(rows.high, starts), integers);
  Value inside = g.both(g.compare(arith::CmpIPredicate::sge, column, low),
                        g.compare(arith::CmpIPredicate::slt, column, high));
  return g.select(inside, p, g.splat(type, 0));
}

Value GradientMath::scoreGradients(Value p, Value outGradients, const QueryStatistics &queries) const {
  return g.mulf(p, g.subf(outGradients, g.spread(queries.delta, cast<VectorType>(p.getType()))));
}

Value GradientMath::packed(Value fragment, Type element) const {
  return arith::TruncFOp::create(
      g.b, g.loc, g.vector(cast<VectorType>(fragment.getType()).getShape(), element), fragment);
}

Value GradientMath::scoreProduct(Value own, TypedValue<dgpu::TileType> stream) const {
  return dgpu::WgmmaOp::create(g.b, g.loc, g.accumulator(stream.getType().getRows()), own, stream, Value(),
                               /*transpose_a=*/false,
                               /*transpose_b=*/true);
}

SmallVector<Value> GradientMath::wait(ValueRange values, int64_t pending) const {
  return SmallVector<Value>(dgpu::WgmmaWaitOp::create(g.b, g.loc, values, pending).getResults());
}

void GradientStore::store(Value gradient, double factor, ValueRange before, const TilePlace &place, Value row,
                          Value offset) const {
  auto type = cast<VectorType>(gradient.getType());
  auto packedType = g.vector(type.getShape(), rows.type.getElementType());
  auto part = g.groupRows(g.tile(rows.type, offset), row);
  barrier();
  if (factor != 1.0) gradient = g.mulf(gradient, g.splat(type, factor));
  if (continues) {
    rows.put(before, offset, row);
    barrier();
    Value sum = dgpu::LoadFragmentOp::create(g.b, g.loc, packedType, part);
    gradient = arith::AddFOp::create(g.b, g.loc, gradient, arith::ExtFOp::create(g.b, g.loc, type, sum));
  }
  // A warp writes the rows that it has read itself.
  dgpu::StoreFragmentOp::create(g.b, g.loc, arith::TruncFOp::create(g.b, g.loc, packedType, gradient), part);
  if (!bulk) {
    barrier();
    rows.toGlobal(place, offset, row);
    return;
  }
  dgpu::FenceAsyncSharedOp::create(g.b, g.loc);
  barrier();
  g.when(g.equal(g.threadInGroup(), 0), [&] {
    bulk->storeBulk(place, offset, rows.type.getPitch());
    dgpu::BulkCommitOp::create(g.b, g.loc);
  });
}

} // namespace drawloom::attention
